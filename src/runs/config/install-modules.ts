import { OWN_KEYS } from './config.js';
import { installModule, KINDS, modulesIn } from './definitions.js';
import type { ConfigSource } from './parse-config.js';

/** Loads the modules that sources name, before their keys are checked: options of a module are keys, too. Throws CONFIG or MODULE. */
export const installModulesOf = async (...sources: readonly Pick<ConfigSource, 'tree'>[]): Promise<void> => {
  for (const { tree } of sources) {
    for (const kind of KINDS) for (const name of modulesIn(tree[kind.key])) await installModule(kind, name, OWN_KEYS);
  }
};

/** Those of files that hold configurations in sections of theirs, such as `base` or `list`: scenarios, sweeps and searches. */
export const installModulesWithin = async ({ tree }: Pick<ConfigSource, 'tree'>, sections: readonly string[]): Promise<void> => {
  for (const section of sections) {
    const value = tree[section];
    const trees = Array.isArray(value) ? value : [value];
    for (const each of trees) {
      if (typeof each === 'object' && each !== null) await installModulesOf({ tree: each as ConfigSource['tree'] });
    }
  }
};
