import type { Metric, Registry } from 'prom-client';

/** A series. A gauge has none until it is set: an error of 0 would be wrong. */
export type Counter = { value: number };
export type Gauge = { value: number | undefined };

export type Distribution = {
  /** A value that is no number is not counted. */
  observe(value: number): void;
  /** Observations that were counted elsewhere, by bucket. The last of `counts` has those above all bounds. */
  add(counts: readonly number[], sum: number): void;
};

export type Labels = Readonly<Record<string, string>>;

/** One series or distribution for each set of label values, created at its first use. Keep the result: the look-up costs most. */
export type Family<Kind> = (labels: Labels) => Kind;

/** A metric as METRICS.md describes it. */
export type Description = { readonly name: string; readonly type: string; readonly help: string; readonly labels: readonly string[] };

export type Instruments = {
  readonly registry: Registry;
  counter(name: string, help: string): Counter;
  counters(name: string, labels: readonly string[], help: string): Family<Counter>;
  gauge(name: string, help: string): Gauge;
  gauges(name: string, labels: readonly string[], help: string): Family<Gauge>;
  /** A gauge that is read at a scrape. It has no series if `read` returns undefined. */
  sampled(name: string, help: string, read: () => number | undefined): void;
  histogram(name: string, bounds: readonly number[], help: string): Distribution;
  histograms(name: string, labels: readonly string[], bounds: readonly number[], help: string): Family<Distribution>;
};

type Sample = { readonly metricName?: string; readonly labels: Labels; readonly value: number };

const PREFIX = 'metafleet_';

/**
 * Metrics for prom-client's registry, which prints them.
 * Its own counters and histograms hash their labels at every observation, which takes 0.3 us.
 * A round of a few milliseconds has hundreds of observations. Here an observation is an addition.
 */
export const createInstruments = (registry: Registry): Instruments => {
  const register = (type: string, name: string, labelNames: readonly string[], help: string, read: () => Sample[]): void => {
    const metric = { name: `${PREFIX}${name}`, help, type, labelNames, aggregator: 'sum' };
    // The fields that the registry reads of a metric. prom-client's type names its classes alone.
    registry.registerMetric({ ...metric, get: async () => ({ ...metric, values: read() }) } as unknown as Metric);
  };
  const cells =
    <Kind extends Counter | Gauge>(type: 'counter' | 'gauge', initial: Kind) =>
    (name: string, labelNames: readonly string[], help: string): Family<Kind> => {
      const { all, of } = family(() => ({ ...initial }));
      register(type, name, labelNames, help, () => Array.from(all()).flatMap(({ labels, kind: { value } }) => sampleOf(value, labels)));
      return of;
    };
  const counters = cells<Counter>('counter', { value: 0 });
  const gauges = cells<Gauge>('gauge', { value: undefined });
  const histograms: Instruments['histograms'] = (name, labelNames, bounds, help) => {
    const { all, of } = family(() => createDistribution(bounds));
    register('histogram', name, labelNames, help, () =>
      Array.from(all()).flatMap(({ labels, kind }) => kind.samples(`${PREFIX}${name}`, labels)),
    );
    return of;
  };
  return {
    registry,
    counters,
    gauges,
    histograms,
    counter: (name, help) => counters(name, [], help)({}),
    gauge: (name, help) => gauges(name, [], help)({}),
    histogram: (name, bounds, help) => histograms(name, [], bounds, help)({}),
    sampled: (name, help, read) => register('gauge', name, [], help, () => sampleOf(read())),
  };
};

const sampleOf = (value: number | undefined, labels: Labels = {}): Sample[] => (value === undefined ? [] : [{ labels, value }]);

const family = <Kind>(make: () => Kind) => {
  const known = new Map<string, { readonly labels: Labels; readonly kind: Kind }>();
  return {
    all: () => known.values(),
    of: (labels: Labels): Kind => {
      const key = Object.values(labels).join('\n');
      let entry = known.get(key);
      if (entry === undefined) {
        entry = { labels, kind: make() };
        known.set(key, entry);
      }
      return entry.kind;
    },
  };
};

const createDistribution = (bounds: readonly number[]) => {
  const counts = new Float64Array(bounds.length + 1);
  let sum = 0;
  return {
    observe: (value: number): void => {
      if (Number.isNaN(value)) return;
      let [low, high] = [0, bounds.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (value <= bounds[middle]!) high = middle;
        else low = middle + 1;
      }
      counts[low]! += 1;
      sum += value;
    },
    add: (more: readonly number[], total: number): void => {
      more.forEach((count, index) => {
        counts[index]! += count;
      });
      sum += total;
    },
    samples: (name: string, labels: Labels): Sample[] => {
      let below = 0;
      const buckets = [...bounds, '+Inf'].map((bound, index) => {
        below += counts[index]!;
        return { metricName: `${name}_bucket`, labels: { ...labels, le: String(bound) }, value: below };
      });
      return [...buckets, { metricName: `${name}_sum`, labels, value: sum }, { metricName: `${name}_count`, labels, value: below }];
    },
  };
};

/** All metrics of a registry, prom-client's own among them. */
export const describeMetrics = (registry: Registry): Description[] =>
  registry.getMetricsAsArray().map((metric) => {
    const { name, type, help, labelNames } = metric as unknown as Omit<Description, 'labels'> & { labelNames: readonly string[] };
    return { name, type, help, labels: labelNames };
  });
