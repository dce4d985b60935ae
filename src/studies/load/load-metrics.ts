import type { EpochFinished } from '../../events/evaluation.js';
import type { RoundFinished } from '../../events/round.js';
import type { RunEvent } from '../../events/run-event.js';
import type { Traffic } from '../../events/traffic.js';
import { createSketch, type Sketch } from '../../runs/folder/sketch.js';

/**
 * What a load test looks at, all of it from the run's event stream. The words are those of k6. A trend has a distribution.
 * A rate is a share of devices. A counter is a sum, and its rate is for a second of wall time. A gauge is a last value.
 */
const RUN_METRICS = {
  round_latency: { kind: 'trend', unit: 'ms', meaning: 'wall time of a round' },
  device_latency: { kind: 'trend', unit: 'ms', meaning: "wall time of a device's step" },
  round_virtual: { kind: 'trend', unit: 's', meaning: 'virtual time of a round' },
  device_virtual: { kind: 'trend', unit: 's', meaning: 'virtual time from asking a device to its answer' },
  bytes_down_per_device: { kind: 'trend', unit: 'B', meaning: 'bytes to devices in a round over the devices it asked' },
  bytes_up_per_device: { kind: 'trend', unit: 'B', meaning: 'bytes from devices in a round over the devices it asked' },
  cohort: { kind: 'trend', unit: '', meaning: 'devices asked in a round' },
  staleness: { kind: 'trend', unit: '', meaning: 'steps behind, of updates applied' },
  train_loss: { kind: 'trend', unit: '', meaning: "mean squared error over a round's batches" },
  energy_per_device: { kind: 'trend', unit: 'J', meaning: 'energy of a round over the devices it asked' },
  trained: { kind: 'rate', unit: '', meaning: 'share of devices asked whose update stepped the model' },
  rejected: { kind: 'rate', unit: '', meaning: 'share of devices asked whose update was thrown away' },
  refused: { kind: 'rate', unit: '', meaning: 'share of devices asked that refused' },
  dropped: { kind: 'rate', unit: '', meaning: 'share of devices asked that fell silent' },
  late: { kind: 'rate', unit: '', meaning: 'share of devices asked whose update came after the round' },
  rounds: { kind: 'counter', unit: '', meaning: 'rounds' },
  updates: { kind: 'counter', unit: '', meaning: 'updates that stepped the model' },
  duplicates: { kind: 'counter', unit: '', meaning: 'answers nobody waited for' },
  retries: { kind: 'counter', unit: '', meaning: 'rounds run again after a host died' },
  hosts_lost: { kind: 'counter', unit: '', meaning: 'device hosts that died' },
  bytes_down: { kind: 'counter', unit: 'B', meaning: 'bytes to devices in training' },
  bytes_up: { kind: 'counter', unit: 'B', meaning: 'bytes from devices in training' },
  virtual_time: { kind: 'gauge', unit: 's', meaning: 'virtual time that the run took' },
  memory: { kind: 'gauge', unit: 'B', meaning: 'highest resident set of the process' },
} as const satisfies LoadMetricFacts;

export type MetricKind = 'trend' | 'rate' | 'counter' | 'gauge';
export type LoadMetricFacts = Readonly<Record<string, { readonly kind: MetricKind; readonly unit: string; readonly meaning: string }>>;
type RunMetric = keyof typeof RUN_METRICS;

/** All load metrics of a run by name, its evaluation metrics among them: `mse`, `best_mse` and `mse_ratio`. */
export const loadMetricsOf = (measured: readonly string[]): LoadMetricFacts => ({
  ...RUN_METRICS,
  ...Object.fromEntries(
    measured.flatMap((metric) =>
      [
        [metric, `${metric} on test ratings, last measured`],
        [`best_${metric}`, `${metric} on test ratings at the best validation`],
        [`${metric}_ratio`, `last measured ${metric} on test ratings over the reference run's`],
      ].map(([name, meaning]) => [name, { kind: 'gauge', unit: '', meaning }]),
    ),
  ),
});

/** Statistics that each kind has; p(N) is any percentile. */
export const STATISTICS: Readonly<Record<MetricKind, readonly string[]>> = {
  trend: ['avg', 'min', 'med', 'max', 'p(90)', 'p(95)'],
  rate: ['rate'],
  counter: ['count', 'rate'],
  gauge: ['value'],
};

export type LoadMetrics = {
  readonly facts: LoadMetricFacts;
  observe(event: RunEvent): void;
  /** A value that no event brings. */
  set(metric: string, value: number): void;
  /** NaN where nothing was measured. `statistic` is one of STATISTICS, or p(N). */
  value(metric: string, statistic: string): number;
};

const bytesOf = (traffic: Traffic, direction: 'down' | 'up'): number =>
  traffic.reduce((sum, row) => sum + (row.direction === direction ? row.bytes : 0), 0);

const sum = (values: Readonly<Record<string, number>>): number => Object.values(values).reduce((total, value) => total + value, 0);

type Series = { readonly sketch: Sketch; min: number };

type Sums = {
  readonly add: (metric: RunMetric, value: number) => void;
  readonly count: (metric: RunMetric, value: number) => void;
  readonly set: (metric: string, value: number) => void;
};

/** What a round tells. */
const addRound = ({ add, count, set }: Sums, event: RoundFinished): void => {
  const { outcomes, virtual, traffic } = event;
  add('round_latency', event.millis);
  for (const time of event.deviceMillis) add('device_latency', time);
  add('cohort', outcomes.assigned);
  if (event.loss !== null) add('train_loss', event.loss);
  event.staleness.forEach((updates, steps) => {
    for (let update = 0; update < updates; update++) add('staleness', steps);
  });
  for (const direction of ['down', 'up'] as const) {
    count(`bytes_${direction}`, bytesOf(traffic, direction));
    if (outcomes.assigned > 0) add(`bytes_${direction}_per_device`, bytesOf(traffic, direction) / outcomes.assigned);
  }
  if (virtual !== null) {
    add('round_virtual', virtual.end - virtual.start);
    for (const latency of virtual.latencies) add('device_virtual', latency);
    set('virtual_time', virtual.end);
    const energy = virtual.profiles.reduce((total, profile) => total + profile.energy, 0);
    if (outcomes.assigned > 0) add('energy_per_device', energy / outcomes.assigned);
  }
  count('trained', outcomes.trained);
  count('rejected', sum(outcomes.rejected));
  count('refused', sum(outcomes.refused));
  count('dropped', sum(outcomes.dropped));
  count('late', outcomes.late);
  count('rounds', 1);
  count('updates', outcomes.trained);
  count('duplicates', event.duplicates);
  count('retries', event.retries);
};

/** Memory does not grow with the run. `measured`: its evaluation metrics; `seconds`: wall time since it began, for the rates of counters. */
export const createLoadMetrics = (measured: readonly string[], seconds: () => number): LoadMetrics => {
  const facts = loadMetricsOf(measured);
  const trends = new Map<string, Series>();
  const sums = new Map<string, number>();
  const gauges = new Map<string, number>();
  let asked = 0;
  const add = (metric: RunMetric, value: number): void => {
    const series = trends.get(metric) ?? { sketch: createSketch(), min: Number.POSITIVE_INFINITY };
    trends.set(metric, series);
    series.sketch.add(value);
    series.min = Math.min(series.min, value);
  };
  const count = (metric: RunMetric, value: number): void => void sums.set(metric, (sums.get(metric) ?? 0) + value);
  const set = (metric: string, value: number): void => void gauges.set(metric, value);
  const observeEpoch = ({ test, best }: EpochFinished): void => {
    for (const [metric, value] of Object.entries(test.metrics)) {
      set(metric, value ?? Number.NaN);
      if (best) set(`best_${metric}`, value ?? Number.NaN);
    }
  };
  const ofTrend = (metric: string, statistic: string): number => {
    const series = trends.get(metric);
    if (series === undefined || series.sketch.count() === 0) return Number.NaN;
    const { sketch, min } = series;
    if (statistic === 'avg') return sketch.mean();
    if (statistic === 'min') return min;
    if (statistic === 'max') return sketch.max();
    return sketch.quantile(statistic === 'med' ? 0.5 : Number(statistic.slice(2, -1)) / 100);
  };

  return {
    facts,
    observe: (event) => {
      switch (event.type) {
        case 'round':
          asked += event.outcomes.assigned;
          return addRound({ add, count, set }, event);
        case 'epoch':
          return observeEpoch(event);
        case 'host-lost':
          return count('hosts_lost', 1);
        case 'run-started':
        case 'host-restored':
        case 'coordinator-lost':
        case 'coordinator-restored':
        case 'checkpoint':
        case 'checkpoint-failed':
        case 'checkpoint-refused':
        case 'run-finished':
          return;
        default:
          event satisfies never;
      }
    },
    set,
    value: (metric, statistic) => {
      switch (facts[metric]?.kind) {
        case 'trend':
          return ofTrend(metric, statistic);
        case 'rate':
          return asked === 0 ? Number.NaN : (sums.get(metric) ?? 0) / asked;
        case 'counter':
          return statistic === 'count' ? (sums.get(metric) ?? 0) : (sums.get(metric) ?? 0) / seconds();
        case 'gauge':
        case undefined:
          return gauges.get(metric) ?? Number.NaN;
      }
    },
  };
};
