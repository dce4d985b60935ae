import { type Command, Option } from 'commander';
import { badInput } from '../base/errors.js';
import { configKeys } from '../runs/config/parse-config.js';

/** Gives a command a flag for every key of the configuration, under its dotted name. Keys in `except` have their own meaning there. */
export const addConfigFlags = (command: Command, except: readonly string[] = []): Command => {
  for (const { key, description, default: initial } of configKeys()) {
    if (!except.includes(key)) command.addOption(new Option(`--${key} <value>`, `${description} (default: ${JSON.stringify(initial)})`));
  }
  return command;
};

/** Commander names an option in camel case: hyphens of definitions' names are gone from it. */
const optionName = (key: string): string => new Option(`--${key} <value>`).attributeName();

/** The configuration flags among a command's options. */
export const configFlagsIn = (options: Readonly<Record<string, unknown>>, except: readonly string[] = []): Record<string, string> =>
  Object.fromEntries(
    configKeys().flatMap(({ key }): [string, string][] => {
      const value = options[optionName(key)];
      return typeof value === 'string' && !except.includes(key) ? [[key, value]] : [];
    }),
  );

/** `1,2,3` as distinct whole numbers. */
export const parseSeeds = (text: string): readonly number[] => {
  const seeds = text.split(',').map((part) => (/^\d+$/.test(part.trim()) ? Number(part) : Number.NaN));
  if (seeds.some((seed) => !Number.isSafeInteger(seed)) || new Set(seeds).size < seeds.length)
    throw badInput('CONFIG', 'flag --seeds', 'distinct whole numbers, such as 1,2,3', text);
  return seeds;
};
