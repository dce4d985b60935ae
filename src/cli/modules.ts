import { OWN_KEYS } from '../runs/config/config.js';
import { installModule, KINDS, modulesIn } from '../runs/config/definitions.js';
import type { ConfigSource } from '../runs/config/parse-config.js';

/** The values of a flag in a command line, in either form. */
const flagValues = (words: readonly string[], key: string): readonly string[] =>
  words.flatMap((word, index) => {
    if (word === `--${key}`) return words.slice(index + 1, index + 2);
    return word.startsWith(`--${key}=`) ? [word.slice(key.length + 3)] : [];
  });

/** `[a, b]` or `a`. */
const namesIn = (text: string): readonly string[] =>
  text
    .replace(/^\[|\]$/g, '')
    .split(',')
    .map((name) => name.trim().replace(/^["']|["']$/g, ''));

/**
 * Loads the modules that flags name, before flags are parsed: options of a module are flags, too. Throws CONFIG or MODULE.
 */
export const installModulesOfFlags = async (words: readonly string[]): Promise<void> => {
  for (const kind of KINDS) {
    for (const value of flagValues(words, kind.key))
      for (const name of modulesIn(namesIn(value))) await installModule(kind, name, OWN_KEYS);
  }
};

/** Loads the modules that files name, before their keys are checked. Throws CONFIG or MODULE. */
export const installModulesOf = async (...sources: readonly ConfigSource[]): Promise<void> => {
  for (const { tree } of sources) {
    for (const kind of KINDS) for (const name of modulesIn(tree[kind.key])) await installModule(kind, name, OWN_KEYS);
  }
};
