import type { MetricValues } from '../../events/evaluation.js';

/** Columns of epochs.ndjson and of sweeps that hold a metric: validMse, testNdcg@10, and of an activity group testMseLow. */
export type MeasuredPart = 'valid' | 'test';

const capital = (word: string): string => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;

export const metricColumn = (part: MeasuredPart, metric: string, group = ''): string => `${part}${capital(metric)}${capital(group)}`;

export const metricColumns = (part: MeasuredPart, values: MetricValues, group = ''): Record<string, number | null> =>
  Object.fromEntries(Object.entries(values).map(([metric, value]) => [metricColumn(part, metric, group), value]));

type Line = Readonly<Record<string, number | boolean | null>>;

/** The values of a line's part by metric, as its columns of the validation part name them; null where training has diverged, too. */
export const metricValuesIn = (line: Line, part: MeasuredPart): MetricValues =>
  Object.fromEntries(
    Object.keys(line).flatMap((column) => {
      const [, first, rest] = /^valid([A-Z])(.*)$/.exec(column) ?? [];
      if (first === undefined) return [];
      const metric = `${first.toLowerCase()}${rest}`;
      const value = line[metricColumn(part, metric)];
      return [[metric, typeof value === 'number' ? value : null]];
    }),
  );
