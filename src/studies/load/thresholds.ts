import { badInput } from '../../base/errors.js';
import { type LoadMetricFacts, type LoadMetrics, STATISTICS } from './load-metrics.js';

/** A threshold in k6's manner: `p(95)<2s`, `rate<0.01`, `count>=10`. */
export type Threshold = {
  readonly metric: string;
  /** As it was written. */
  readonly text: string;
  readonly statistic: string;
  readonly holds: (value: number) => boolean;
};

/** What a number's unit multiplies it by, for each unit that a metric is counted in. */
const UNITS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ms: { us: 1e-3, ms: 1, s: 1e3, min: 6e4, h: 3.6e6 },
  s: { ms: 1e-3, s: 1, min: 60, h: 3600, d: 86_400 },
  B: { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 },
  J: { mJ: 1e-3, J: 1, kJ: 1e3 },
  '': { '%': 0.01 },
};

/** NaN, such as a diverged run's error or a measure of nothing, keeps no promise. */
const COMPARISONS: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
  '==': (value, bound) => value === bound,
  '!=': (value, bound) => !Number.isNaN(value) && value !== bound,
};

const FORM = /^\s*([a-z]+(?:\((\d+(?:\.\d+)?)\))?)\s*(<=|>=|==|!=|<|>)\s*(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*([a-zA-Z%]*)\s*$/;

/** `facts`: the metrics there are. Throws CONFIG at `place`. Without a unit, a number is in the metric's own. */
export const parseThreshold = (facts: LoadMetricFacts, metric: string, text: string, place: string): Threshold => {
  const known = Object.hasOwn(facts, metric) ? facts[metric] : undefined;
  if (known === undefined) throw badInput('CONFIG', place, `a metric: ${Object.keys(facts).join(', ')}`, JSON.stringify(metric));
  const { kind, unit } = known;
  const statistics = [...STATISTICS[kind].filter((known) => !known.startsWith('p(')), ...(kind === 'trend' ? ['p(N)'] : [])];
  const units = UNITS[unit]!;
  const [, statistic = '', percentile, comparison = '', number = '', suffix = ''] = FORM.exec(text) ?? [];
  if (statistic === '')
    throw badInput('CONFIG', place, `statistic, comparison and number, such as "${statistics[0]}<1"`, JSON.stringify(text));
  const isPercentile = kind === 'trend' && percentile !== undefined && statistic.startsWith('p(') && Number(percentile) <= 100;
  if (!isPercentile && !statistics.includes(statistic))
    throw badInput('CONFIG', place, `a statistic of ${metric}: ${statistics.join(', ')}`, JSON.stringify(statistic));
  const factor = suffix === '' ? 1 : units[suffix];
  if (factor === undefined)
    throw badInput('CONFIG', place, `a unit of ${metric}: ${Object.keys(units).join(', ')}`, JSON.stringify(suffix));
  const bound = Number(number) * factor;
  return { metric, text: text.trim(), statistic, holds: (value) => COMPARISONS[comparison]!(value, bound) };
};

export type ThresholdVerdict = Threshold & { readonly value: number; readonly passed: boolean };

export const judgeThresholds = (thresholds: readonly Threshold[], metrics: LoadMetrics): readonly ThresholdVerdict[] =>
  thresholds.map((threshold) => {
    const value = metrics.value(threshold.metric, threshold.statistic);
    return { ...threshold, value, passed: threshold.holds(value) };
  });
