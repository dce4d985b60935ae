import { badInput } from '../base/errors.js';
import type { Metric } from './metric.js';
import { CUTOFF_METRICS, ORDER_METRICS } from './ranking.js';
import { RATING_METRICS } from './rating.js';

const METRICS: ReadonlyMap<string, Metric> = new Map([...RATING_METRICS, ...ORDER_METRICS].map((metric) => [metric.name, metric]));

const KNOWN = [...METRICS.keys(), ...Array.from(CUTOFF_METRICS.keys(), (family) => `${family}@k`)].join(', ');

/** One spelling for each metric: no sign, no leading zero, no exponent. */
const CUTOFF = /^(?<family>[a-z]+)@(?<k>[1-9]\d*)$/;

/** The metric of a name such as `mse` or `ndcg@10`. Throws CONFIG for any other; `place` is the key or flag that named it. */
export const metricOf = (name: string, place = 'metrics'): Metric => {
  const { family = '', k = '' } = CUTOFF.exec(name)?.groups ?? {};
  const metric = METRICS.get(name) ?? (Number.isSafeInteger(Number(k)) ? CUTOFF_METRICS.get(family)?.(Number(k)) : undefined);
  if (metric === undefined) throw badInput('CONFIG', place, `one of ${KNOWN}, with a whole k of at least 1 as in ndcg@10`, name);
  return metric;
};
