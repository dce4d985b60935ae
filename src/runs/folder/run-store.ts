import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ALGORITHM } from '../../algorithms/registry.js';
import type { Dataset } from '../../data/dataset.js';
import type { Config } from '../config/config.js';
import { chosenNames, identityOf, usesModule } from '../config/definitions.js';
import { configValue, keysInUse, yamlSource } from '../config/parse-config.js';

/**
 * Where the runs of studies lie. A run is known by what it learns from and how: the digest of its ratings and every key that the result
 * depends on. The same run that two tables need is trained once; one that is not there, or was trained otherwise, is trained.
 */

/** Keys the result does not depend on. */
const NEUTRAL = [
  ...['threads', 'modelMemory', 'moduleTimeout', 'baselines', 'checkpoint', 'recorder', 'metrics', 'results', 'evaluation.delivery'],
];
/** Keys whose effect is in the digest of the data. */
export const OF_THE_DATA = [
  ...[
    'data',
    'split',
    'splitting',
    'feedback',
    'features',
    'sideFiles',
    'columns',
    'delimiter',
    'encoding',
    'header',
    'scale',
    'outside',
    'rescale',
  ],
  ...['unrated', 'unratedAs', 'duplicates', 'minItem', 'minUser', 'core', 'binarize'],
];

const isAmong = (key: string, names: readonly string[]): boolean => names.some((name) => key === name || key.startsWith(`${name}.`));

const keysOfResult = (config: Config) => keysInUse(config).filter(({ key }) => !isAmong(key, NEUTRAL) && !isAmong(key, OF_THE_DATA));

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What differs from the defaults, as flags of `metafleet run` that give the same run. */
export const commandOf = (config: Config): string => {
  const flags = keysInUse(config)
    .filter(({ key, default: initial }) => !isAmong(key, NEUTRAL) && !same(configValue(config, key), initial))
    .map(({ key }) => `--${key} ${quoted(configValue(config, key))}`);
  return ['npx metafleet run', ...flags].join(' ');
};

const quoted = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[\w./:=,@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
};

const slug = (text: string): string => text.replace(/[^A-Za-z0-9.]+/g, '-').replace(/^[-.]+|[-.]+$/g, '') || 'data';

const nameOf = (config: Config, { name }: Dataset, digest: string, except: readonly string[]): string => {
  const changed = keysOfResult(config)
    .filter(({ key }) => !except.includes(key))
    .flatMap(({ key, default: initial }) => {
      const value = configValue(config, key);
      return same(value, initial) ? [] : [[key, value]];
    });
  const hash = createHash('sha256')
    // Another module under the same path is another run.
    .update(JSON.stringify([digest, changed, ...(usesModule(config) ? [identityOf(config)] : [])]))
    .digest('hex')
    .slice(0, 10);
  return `${slug(name).slice(0, 60)}-${slug(chosenNames(ALGORITHM, config))}-seed${config.seed}-${hash}`;
};

/** Whether the run in a folder is the one that is wanted: keys that it does not know of must be at their defaults. */
const isOf = (folder: string, config: Config, except: readonly string[]): boolean => {
  const file = join(folder, 'config.yaml');
  const { tree } = yamlSource(readFileSync(file, 'utf8'), file);
  return keysOfResult(config).every(({ key, default: initial }) => {
    const stored = key.split('.').reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], tree);
    return except.includes(key) || same(stored === undefined ? initial : stored, configValue(config, key));
  });
};

export type FoundRun = {
  readonly name: string;
  readonly folder: string;
  readonly state: 'missing' | 'unfinished' | 'finished';
};

const FINISHED = ['completed', 'early-stopped'];

const stateOf = (folder: string, { checkpoint }: Config): FoundRun['state'] => {
  const summary = join(folder, 'summary.json');
  if (existsSync(summary) && FINISHED.includes((JSON.parse(readFileSync(summary, 'utf8')) as { reason: string }).reason))
    // Without space on the disk a run ends all the same, and its best model is gone.
    return checkpoint.best && !existsSync(join(folder, 'best.checkpoint')) ? 'missing' : 'finished';
  return existsSync(join(folder, 'last.checkpoint')) ? 'unfinished' : 'missing';
};

/** Finds the run's place under `root`. What a run left that ended before its first checkpoint is removed: there is nothing to continue. Keys in `except` are not asked for. */
export const findRun = (root: string, config: Config, dataset: Dataset, digest: string, except: readonly string[] = []): FoundRun => {
  const wanted = nameOf(config, dataset, digest, except);
  for (let attempt = 1; ; attempt++) {
    const name = attempt === 1 ? wanted : `${wanted}-${attempt}`;
    const folder = join(root, name);
    if (!existsSync(folder)) return { name, folder, state: 'missing' };
    // Defaults have changed since: that is another run.
    if (existsSync(join(folder, 'config.yaml')) && !isOf(folder, config, except)) continue;
    const state = stateOf(folder, config);
    if (state === 'missing') rmSync(folder, { recursive: true });
    return { name, folder, state };
  }
};
