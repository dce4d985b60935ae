import { formatBytes, formatCount, formatError, formatMillis, formatPercent, formatRate } from '../../report/format.js';
import { type LoadMetricFacts, type LoadMetrics, type MetricKind, STATISTICS } from './load-metrics.js';
import type { ThresholdVerdict } from './thresholds.js';

/** A metric's value in its unit, for people. */
const showMetric = ({ kind, unit }: LoadMetricFacts[string], statistic: string, value: number): string => {
  if (!Number.isFinite(value)) return '-';
  if (kind === 'rate') return formatPercent(value);
  if (kind === 'counter' && statistic === 'rate') return `${unit === 'B' ? formatBytes(value) : formatRate(value)}/s`;
  switch (unit) {
    case 'ms':
      return formatMillis(value);
    case 's':
      return formatMillis(1000 * value);
    case 'B':
      return formatBytes(value);
    case 'J':
      return `${value.toPrecision(3)} J`;
    default:
      return kind === 'counter' ? formatCount(value) : Number.isInteger(value) ? formatCount(value) : formatError(value);
  }
};

/** The order of the table. */
const KINDS: readonly MetricKind[] = ['trend', 'rate', 'counter', 'gauge'];

const MARK = { passed: '✓', failed: '✗' } as const;

/**
 * What a load test ends with, as k6 does: each metric that was measured with its statistics, then each threshold with what was
 * found. Metrics that nothing was measured of are left out.
 */
export const renderLoadTable = (metrics: LoadMetrics, verdicts: readonly ThresholdVerdict[]): string => {
  const { facts } = metrics;
  const entries = Object.entries(facts).toSorted(([, a], [, b]) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
  const lines = entries.flatMap(([name, known]) => {
    const statistics = STATISTICS[known.kind];
    const values = statistics.map((statistic) => metrics.value(name, statistic));
    if (values.every((value) => Number.isNaN(value))) return [];
    const shown = statistics.map((statistic, index) => `${statistic}=${showMetric(known, statistic, values[index]!)}`);
    return [
      `  ${`${name} `.padEnd(24, '.')} ${shown
        .map((text) => text.padEnd(18))
        .join('')
        .trimEnd()}`,
    ];
  });
  const judged = verdicts.map(({ metric, text, statistic, value, passed }) => {
    const mark = passed ? MARK.passed : MARK.failed;
    return `  ${mark} ${`${metric}: ${text}`.padEnd(44)} ${statistic}=${showMetric(facts[metric]!, statistic, value)}`;
  });
  return [...lines, '', 'thresholds', ...judged].join('\n');
};
