import { ALGORITHM } from '../../algorithms/registry.js';
import { badInput } from '../../base/errors.js';
import { unusedOptions } from '../../definitions/kind.js';
import type { Config } from './config.js';
import { chosen, definitionSections, definitionsInUse, sectionsInUse } from './definitions.js';

/** Keys that some configurations do not read: a value for one of them would be a setting without effect. */
type Rule = {
  /** A key, or a section for all keys in it. */
  readonly key: string;
  readonly isRead: (config: Config) => boolean;
  /** What reads it. */
  readonly reader: string;
};

const fleetOnly = ({ fleet }: Config): boolean => fleet.profiles !== 'none';
const diurnal = ({ fleet }: Config): boolean => fleet.availability === 'diurnal';
const kindIs =
  (...kinds: readonly string[]) =>
  ({ policy }: Config): boolean =>
    kinds.includes(policy.kind);
const optimizerIs =
  (...kinds: readonly string[]) =>
  ({ optimizer }: Config): boolean =>
    kinds.includes(optimizer.kind);
const scheduleIs =
  (...schedules: readonly string[]) =>
  ({ optimizer }: Config): boolean =>
    schedules.includes(optimizer.schedule);

const RULES: readonly Rule[] = [
  {
    key: 'optimizer',
    isRead: ({ algorithm }) => chosen(ALGORITHM, algorithm).definition.traits.reads.includes('optimizer'),
    reader: 'an algorithm that reads the optimizer section',
  },
  ...['rateDecay'].map((key) => ({
    key: `optimizer.${key}`,
    isRead: scheduleIs('geometric', 'step'),
    reader: 'optimizer.schedule geometric or step',
  })),
  { key: 'optimizer.stepEpochs', isRead: scheduleIs('step'), reader: 'optimizer.schedule step' },
  ...['annealEpochs', 'rateFloor'].map((key) => ({
    key: `optimizer.${key}`,
    isRead: scheduleIs('cosine'),
    reader: 'optimizer.schedule cosine',
  })),
  ...['beta1', 'beta2', 'tensorMoments'].map((key) => ({
    key: `optimizer.${key}`,
    isRead: optimizerIs('adam'),
    reader: 'optimizer.kind adam',
  })),
  { key: 'optimizer.epsilon', isRead: optimizerIs('adam', 'adagrad'), reader: 'optimizer.kind adam or adagrad' },
  { key: 'optimizer.momentum', isRead: optimizerIs('sgd'), reader: 'optimizer.kind sgd' },
  { key: 'policy.timeout', isRead: fleetOnly, reader: 'fleet.profiles' },
  { key: 'policy.deadline', isRead: kindIs('deadline'), reader: 'policy.kind deadline' },
  { key: 'policy.overSelection', isRead: kindIs('deadline', 'fastest'), reader: 'policy.kind deadline or fastest' },
  ...['concurrency', 'weighting', 'maxStaleness'].map((key) => ({
    key: `policy.${key}`,
    isRead: kindIs('buffered'),
    reader: 'policy.kind buffered',
  })),
  ...['zones', 'startHour'].map((key) => ({ key: `fleet.${key}`, isRead: fleetOnly, reader: 'fleet.profiles' })),
  ...['leastAvailable', 'mostAvailable', 'peakHour'].map((key) => ({
    key: `fleet.${key}`,
    isRead: diurnal,
    reader: 'fleet.availability diurnal',
  })),
  { key: 'stages.unit', isRead: ({ stages }) => stages.list.length > 0, reader: 'stages.list' },
  {
    key: 'perturbations.slowMillis',
    isRead: ({ perturbations }) => perturbations.slowHosts > 0,
    reader: 'perturbations.slowHosts above 0',
  },
  {
    key: 'perturbations.linkFactor',
    isRead: ({ perturbations }) => perturbations.degradedLinks > 0,
    reader: 'perturbations.degradedLinks above 0',
  },
  { key: 'perturbations.delaySeconds', isRead: ({ perturbations }) => perturbations.delayed > 0, reader: 'perturbations.delayed above 0' },
  {
    key: 'perturbations.skewHours',
    isRead: ({ perturbations }) => perturbations.skewedClocks > 0,
    reader: 'perturbations.skewedClocks above 0',
  },
  ...['attacks', 'attackFactor'].map((key) => ({
    key: `perturbations.${key}`,
    isRead: ({ perturbations }: Config) => perturbations.byzantine > 0,
    reader: 'perturbations.byzantine above 0',
  })),
];

const isWithin = (key: string, section: string): boolean => key === section || key.startsWith(`${section}.`);

const configured = (config: Readonly<Record<string, unknown>>, section: string): unknown => config[section];

/** Whether the definition that a key's section belongs to says that its other options leave that one without effect. */
const isIdle = (config: Config, key: string): boolean =>
  definitionsInUse(config).some((definition) =>
    unusedOptions(definition, configured(config, definition.name)).some((option) => isWithin(key, `${definition.name}.${option}`)),
  );

/** What would have to be chosen for a key to be read; undefined where it is read. */
const missingReader = (config: Config, key: string): string | undefined => {
  const used = sectionsInUse(config);
  const section = Object.keys(definitionSections()).find((name) => isWithin(key, name));
  if (section !== undefined && !used.has(section)) return section;
  return RULES.find((rule) => isWithin(key, rule.key) && !rule.isRead(config))?.reader;
};

/** Throws CONFIG for the first of `keys` that this configuration does not read; `place` names it as its source does. */
export const checkEffects = (config: Config, keys: readonly string[], place: (key: string) => string): void => {
  for (const key of keys) {
    const reader = missingReader(config, key);
    if (reader !== undefined) throw badInput('CONFIG', place(key), `no value, since only ${reader} reads it`, 'a setting without effect');
    if (isIdle(config, key))
      throw badInput(
        'CONFIG',
        place(key),
        `no value, since other ${key.split('.')[0]} options leave it unread`,
        'a setting without effect',
      );
  }
};
