import { badInput } from '../../base/errors.js';
import { createMetricSet } from '../../metrics/metric-set.js';
import { MODEL } from '../../models/registry.js';
import type { Config } from './config.js';
import { chosen, isCentral, namesOf } from './definitions.js';

/** What a configuration means for central models. Keys and sections that say how a fleet learns have no effect on them. */
const FLEET_KEYS = [
  ...['cohort', 'ratings', 'sampling', 'aggregation', 'updates', 'delivery', 'decoys', 'dtype', 'modelMemory', 'hostHeap', 'moduleTimeout'],
  ...['evaluation.delivery', 'optimizer', 'fleet', 'policy', 'defence', 'stages', 'perturbations', 'recorder'],
];

/** Whether only algorithms that learn on a fleet read a key. */
export const isFleetKey = (key: string): boolean => FLEET_KEYS.some((name) => key === name || key.startsWith(`${name}.`));

const modelOf = (config: Pick<Config, 'algorithm'>) => chosen(MODEL, config.algorithm).definition;

/** Whether a run is a single call of a closed form. */
export const isClosed = (config: Pick<Config, 'algorithm'>): boolean => isCentral(config) && modelOf(config).traits.training === 'closed';

/** What a ranking model is measured by where nothing is said. */
const RANKING_METRICS = ['recall@100', 'ndcg@100', 'precision@100'];

/** The settings that a central model has of its own, as values of a configuration; nothing for an algorithm on a fleet. */
export const modelDefaults = (algorithm: unknown): Readonly<Record<string, unknown>> => {
  if (typeof algorithm !== 'string' || !namesOf(MODEL).includes(algorithm)) return {};
  const { defaults = {}, traits } = modelOf({ algorithm });
  const { epochs, patience, metrics = traits.task === 'ranking' ? RANKING_METRICS : undefined } = defaults;
  return {
    ...(epochs === undefined ? {} : { epochs }),
    ...(patience === undefined ? {} : { patience }),
    ...(metrics === undefined ? {} : { evaluation: { metrics } }),
  };
};

/** Throws CONFIG where a model that only ranks would be measured by ratings. */
export const checkTask = (config: Pick<Config, 'algorithm' | 'evaluation'>, place: (key: string) => string): void => {
  if (!isCentral(config)) return;
  const { name, traits } = modelOf(config);
  const wrong = createMetricSet(config.evaluation.metrics).metrics.find(({ task }) => task === 'rating');
  if (traits.task === 'ranking' && wrong !== undefined)
    throw badInput('CONFIG', place('evaluation.metrics'), `ranking metrics such as ndcg@100, as ${name} predicts no ratings`, wrong.name);
};
