import { type Command, Option } from 'commander';
import type { LoadOptions } from '../../data/load.js';
import { loadOptions } from '../../runs/config/load-data.js';
import { configKeys, flagSource, resolveConfig } from '../../runs/config/parse-config.js';

/** The keys of a run that say how files are read. */
export const READING_KEYS = [
  ...['seed', 'feedback', 'columns', 'delimiter', 'encoding', 'header', 'scale', 'outside', 'rescale', 'unrated', 'unratedAs'],
  ...['duplicates', 'minItem', 'minUser', 'core', 'binarize', 'features', 'sideFiles'],
] as const;

/** `a,b,c` and `1:5:0.5` are short for lists. */
const SHORT: Readonly<Record<string, string>> = { columns: ',', scale: ':', rescale: ':', unrated: ',' };

const longForm = (key: string, text: string): string => {
  const separator = SHORT[key];
  // `\\t` in a shell is two characters, and means a tab.
  if (key === 'delimiter') return text.replaceAll('\\t', '\t');
  if (separator === undefined || text.startsWith('[') || /^(auto|none)$/.test(text)) return text;
  return `[${text.split(separator).join(', ')}]`;
};

/** Adds the keys of a run as flags. */
export const addReadingFlags = (command: Command, isAmong: (key: string) => boolean): Command => {
  for (const { key, description } of configKeys()) if (isAmong(key)) command.addOption(new Option(`--${key} <value>`, description));
  return command;
};

/** @throws MetafleetError CONFIG for a flag that is not as its key takes it. */
export const readingOptions = (flags: Readonly<Record<string, string>>): LoadOptions => {
  const given = Object.entries(flags).map(([key, text]): [string, string] => [key, longForm(key, text)]);
  return loadOptions(resolveConfig(flagSource(Object.fromEntries(given))));
};

export const note = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
