import { ALGORITHM } from '../../algorithms/registry.js';
import { MetafleetError } from '../../base/errors.js';
import { unusedOptions } from '../../definitions/kind.js';
import { isClosed, isFleetKey } from './central.js';
import type { Config } from './config.js';
import {
  chosen,
  chosenNames,
  definitionSections,
  definitionsInUse,
  isCentral,
  kindOfSection,
  sectionsInUse,
  usesModule,
} from './definitions.js';

/** Keys that only some configurations read: a value for one of them would be a setting without effect. */
type Rule = {
  /** Keys, or sections for all keys in them. */
  readonly keys: readonly string[];
  readonly isRead: (config: Config) => boolean;
  /** What reads them. */
  readonly reader: string;
  /** The setting of this run that keeps them from being read, as `key value`. */
  readonly instead: (config: Config) => string;
};

const within = (section: string, ...names: readonly string[]): readonly string[] => names.map((name) => `${section}.${name}`);

/** Read where a key has one of these values. */
const where = (key: string, values: readonly string[], keys: readonly string[]): Rule => {
  const textOf = (config: Config): string =>
    String(key.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], config));
  return {
    keys,
    isRead: (config) => values.includes(textOf(config)),
    reader: `${key} ${values.join(' or ')}`,
    instead: (config) => `${key} ${textOf(config)}`,
  };
};

/** Read where a key has a number above 0. */
const above0 = (section: string, name: string, ...names: readonly string[]): Rule => ({
  keys: within(section, ...names),
  isRead: (config) => Number((config[section] as Record<string, unknown>)[name]) > 0,
  reader: `${section}.${name} above 0`,
  instead: () => `${section}.${name} 0`,
});

const RULES: readonly Rule[] = [
  {
    keys: ['optimizer'],
    isRead: ({ algorithm }) => chosen(ALGORITHM, algorithm).definition.traits.reads.includes('optimizer'),
    reader: 'an algorithm that steps by the optimizer section',
    instead: ({ algorithm }) => `algorithm ${chosen(ALGORITHM, algorithm).definition.name}`,
  },
  {
    keys: ['moduleTimeout'],
    isRead: usesModule,
    reader: 'a module such as --algorithm ./mine.js',
    instead: ({ algorithm }) => `algorithm ${algorithm}, which is built in`,
  },
  where('split', ['leave-last'], ['splitting.leave']),
  where('split', ['folds'], within('splitting', 'folds', 'fold')),
  where('split', ['time', 'folds', 'cold-users'], ['splitting.valid']),
  where('split', ['time', 'cold-users'], ['splitting.test']),
  where('split', ['cold-users', 'cold-items'], ['splitting.coldItems']),
  where('split', ['cold-users'], within('splitting', 'records', 'support')),
  where('optimizer.schedule', ['geometric', 'step'], ['optimizer.rateDecay']),
  where('optimizer.schedule', ['step'], ['optimizer.stepEpochs']),
  where('optimizer.schedule', ['cosine'], within('optimizer', 'annealEpochs', 'rateFloor')),
  where('optimizer.kind', ['adam'], within('optimizer', 'beta1', 'beta2', 'tensorMoments')),
  where('optimizer.kind', ['adam', 'adagrad'], ['optimizer.epsilon']),
  where('optimizer.kind', ['sgd'], ['optimizer.momentum']),
  where('policy.kind', ['deadline'], ['policy.deadline']),
  where('policy.kind', ['deadline', 'fastest'], ['policy.overSelection']),
  where('policy.kind', ['buffered'], within('policy', 'concurrency', 'weighting', 'maxStaleness')),
  {
    keys: ['policy.timeout', ...within('fleet', 'zones', 'startHour')],
    isRead: ({ fleet }) => fleet.profiles !== 'none',
    reader: 'a fleet with profiles',
    instead: () => 'fleet.profiles none',
  },
  where('fleet.availability', ['diurnal'], within('fleet', 'leastAvailable', 'mostAvailable', 'peakHour')),
  {
    keys: ['stages.unit'],
    isRead: ({ stages }) => stages.list.length > 0,
    reader: 'a run with stages.list',
    instead: () => 'no stages',
  },
  above0('perturbations', 'slowHosts', 'slowMillis'),
  above0('perturbations', 'degradedLinks', 'linkFactor'),
  above0('perturbations', 'delayed', 'delaySeconds'),
  above0('perturbations', 'skewedClocks', 'skewHours'),
  above0('perturbations', 'byzantine', 'attacks', 'attackFactor'),
  above0('recorder', 'share', 'size'),
];

const isWithin = (key: string, section: string): boolean => key === section || key.startsWith(`${section}.`);

/** The definition that a key's section belongs to, where its other options leave that one without effect. */
const unusedBy = (config: Readonly<Record<string, unknown>>, key: string): string | undefined =>
  definitionsInUse(config).find((definition) =>
    unusedOptions(definition, config[definition.name]).some((option) => isWithin(key, `${definition.name}.${option}`)),
  )?.name;

/** Why a key is not read, in words that follow its name; undefined where it is read. */
const idleBecause = (config: Config, key: string): string | undefined => {
  const section = Object.keys(definitionSections()).find((name) => isWithin(key, name));
  if (section !== undefined && !sectionsInUse(config).has(section)) {
    const kind = kindOfSection(section);
    return `only ${kind.key} ${section} reads it, and this run has ${kind.key} ${chosenNames(kind, config)}`;
  }
  if (isCentral(config)) {
    if (isFleetKey(key))
      return `only an algorithm that learns on a fleet reads it, and ${chosenNames(ALGORITHM, config)} is a central model`;
    if (['epochs', 'patience', 'rounds'].includes(key) && isClosed(config))
      return `${chosenNames(ALGORITHM, config)} has a closed form, and is done after one epoch`;
  }
  const rule = RULES.find(({ keys, isRead }) => keys.some((known) => isWithin(key, known)) && !isRead(config));
  if (rule !== undefined) return `only ${rule.reader} reads it, and this run has ${rule.instead(config)}`;
  const owner = unusedBy(config, key);
  return owner === undefined ? undefined : `the other ${owner} options of this run leave it without effect`;
};

/** Whether the run reads a key: one that it does not read means nothing for it. */
export const isRead = (config: Config, key: string): boolean => idleBecause(config, key) === undefined;

/** Throws CONFIG for the first of `keys` that none of the configurations reads; `place` names it as its source does. */
export const checkEffects = (configs: readonly Config[], keys: readonly string[], place: (key: string) => string): void => {
  for (const key of keys) {
    if (configs.some((config) => isRead(config, key))) continue;
    throw new MetafleetError('CONFIG', `${place(key)}: ${idleBecause(configs[0]!, key)}`);
  }
};
