import { ACTIVITY_GROUPS, type ActivityGroup } from '../../events/evaluation.js';
import { metricOf } from '../../metrics/registry.js';
import { type MeasuredPart, metricColumn } from '../../runs/folder/metric-columns.js';
import type { StoredLine, StoredRun } from '../../runs/folder/stored-run.js';
import type { Chart, Series } from '../charts/chart.js';
import { formatBytes, formatMillis, metricTitle } from '../format.js';
import type { Html } from '../page/html.js';
import { figure, figures } from '../page/page.js';

type Point = readonly [number, number];

const numberIn = (line: StoredLine, column: string): number => {
  const value = line[column];
  return typeof value === 'number' ? value : Number.NaN;
};

const curve = (lines: readonly StoredLine[], x: string, y: string): Point[] => lines.map((line) => [numberIn(line, x), numberIn(line, y)]);

/** A curve that can be read among a thousand rounds: means of so many neighbours that 200 points remain. */
const smoothed = (points: readonly Point[]): Point[] => {
  const size = Math.max(1, Math.ceil(points.length / 200));
  return Array.from({ length: Math.ceil(points.length / size) }, (_, index) => {
    const some = points.slice(index * size, (index + 1) * size);
    return [some.at(-1)![0], some.reduce((sum, [, y]) => sum + y, 0) / some.length];
  });
};

const label = (runs: readonly StoredRun[], { name }: StoredRun, what: string): string =>
  runs.length === 1 ? what : what === '' ? name : `${name}, ${what}`;

const heldOut = (runs: readonly StoredRun[], metric: string): Chart => {
  const title = metricTitle(metric);
  const one = (run: StoredRun, name: string, part: MeasuredPart): Series => ({
    kind: 'line',
    name,
    points: curve(run.epochs, 'round', metricColumn(part, metric)),
    markers: run.epochs.length < 60,
  });
  return {
    title: `Held-out ${title}`,
    description: `${title} on ${runs.length === 1 ? 'validation and test' : 'test'} ratings, measured at the end of epochs.`,
    x: { name: 'round' },
    y: { name: title },
    series: runs.flatMap((run) => [
      ...(runs.length === 1 ? [one(run, 'validation', 'valid')] : []),
      one(run, label(runs, run, runs.length === 1 ? 'test' : ''), 'test'),
    ]),
  };
};

/** `metrics`: the first is drawn large. */
export const learningFigures = (runs: readonly StoredRun[], metrics: readonly string[]): readonly Html[] => {
  const [first, ...others] = metrics.map((metric) => heldOut(runs, metric));
  return [
    figure(first!),
    ...(others.length === 0 ? [] : [figures(others)]),
    figures([
      {
        title: 'Train loss',
        description: 'Mean squared error over the cohorts’ batches before the step, smoothed over neighbouring rounds.',
        x: { name: 'round' },
        y: { name: 'mean squared error' },
        series: runs.map((run) => ({
          kind: 'line',
          name: label(runs, run, runs.length === 1 ? 'train' : ''),
          points: smoothed(curve(run.rounds, 'round', 'loss')),
        })),
      },
      {
        title: 'Gradient norm',
        description: 'Global norm of the mean gradient before clipping, smoothed over neighbouring rounds.',
        x: { name: 'round' },
        y: { name: 'norm', scale: 'log' },
        series: runs.map((run) => ({
          kind: 'line',
          name: label(runs, run, runs.length === 1 ? 'gradient' : ''),
          points: smoothed(curve(run.rounds, 'round', 'gradientNorm')),
        })),
      },
    ]),
  ];
};

export const costFigure = (runs: readonly StoredRun[], metric: string): Html => {
  const title = metricTitle(metric);
  const side = metricOf(metric).better === 'lower' ? 'Lower' : 'Higher';
  return figure({
    title: `${title} against bytes`,
    description: `Test ${title} at the end of each measured epoch, over the bytes of training until then. ${side} and further left is better.`,
    x: { name: 'bytes sent, down and up', scale: 'log', format: formatBytes },
    y: { name: `test ${title}` },
    series: runs.map((run) => ({
      kind: 'line',
      name: label(runs, run, runs.length === 1 ? 'test' : ''),
      points: byBytes(run, metric),
      markers: true,
    })),
  });
};

const byBytes = ({ rounds, epochs }: StoredRun, metric: string): Point[] => {
  let sent = 0;
  const until = new Map(
    rounds.map((line) => {
      sent += numberIn(line, 'bytesDown') + numberIn(line, 'bytesUp');
      return [numberIn(line, 'round'), sent];
    }),
  );
  return epochs.map((line) => [until.get(numberIn(line, 'round')) ?? Number.NaN, numberIn(line, metricColumn('test', metric))]);
};

const BINS = 30;

/** Shares of values in bins of equal ratio, the same for all sets of them: times and sizes spread over orders of magnitude. */
const histograms = (sets: readonly (readonly number[])[]): readonly { from: number; to: number; height: number }[][] => {
  const known = sets.map((values) => values.filter((value) => Number.isFinite(value) && value > 0));
  const all = known.flat();
  const low = all.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = all.reduce((most, value) => Math.max(most, value), 0);
  const ratio = Math.max(1.001, (high / low) ** (1 / BINS) * (1 + 1e-9));
  return known.map((values) => {
    if (values.length === 0) return [];
    const counts = new Array<number>(BINS).fill(0);
    for (const value of values) counts[Math.min(BINS - 1, Math.floor(Math.log(value / low) / Math.log(ratio)))]! += 1;
    return counts.map((count, index) => ({
      from: low * ratio ** index,
      to: low * ratio ** (index + 1),
      height: (100 * count) / values.length,
    }));
  });
};

/** Whether only a log axis shows more than a peak. A few far values, such as the last and smaller round of an epoch, do not count. */
const isWide = (values: readonly number[]): boolean => {
  const sorted = values.filter((value) => value > 0).sort((a, b) => a - b);
  return sorted.length > 0 && sorted[Math.floor(0.95 * (sorted.length - 1))]! > 3 * sorted[Math.floor(0.05 * (sorted.length - 1))]!;
};

const spread = (
  title: string,
  description: string,
  x: Chart['x'],
  runs: readonly StoredRun[],
  read: (line: StoredLine) => number,
): Chart => {
  const bins = histograms(runs.map((run) => run.rounds.map(read)));
  const wide = runs.every((run) => isWide(run.rounds.map(read)));
  return {
    title,
    description,
    x: { ...x, scale: wide ? 'log' : 'linear' },
    y: { name: 'share of rounds (%)' },
    series: runs.map((run, index) => ({
      kind: 'histogram',
      name: label(runs, run, runs.length === 1 ? 'rounds' : ''),
      bins: bins[index]!,
    })),
  };
};

const PHASES = ['Sample', 'Generate', 'Devices', 'Backward', 'Step'] as const;

export const latencyFigures = (runs: readonly StoredRun[]): readonly Html[] => [
  figures([
    spread(
      'Time of a round',
      'How long rounds took, from sampling a cohort to the step.',
      { name: 'time', format: formatMillis },
      runs,
      (line) => numberIn(line, 'millis'),
    ),
    {
      title: 'Where the time goes',
      description: 'Mean time of each phase of a round.',
      x: { name: 'phase', categories: PHASES.map((phase) => phase.toLowerCase()) },
      y: { name: 'mean time', format: formatMillis },
      series: runs.map((run) => ({
        kind: 'bar',
        name: label(runs, run, runs.length === 1 ? 'mean' : ''),
        values: PHASES.map((phase) => meanOf(run.rounds, `millis${phase}`)),
      })),
    },
  ]),
];

const meanOf = (lines: readonly StoredLine[], column: string): number =>
  lines.reduce((sum, line) => sum + numberIn(line, column), 0) / Math.max(1, lines.length);

export const bytesFigures = (runs: readonly StoredRun[]): readonly Html[] => [
  figures([
    spread('Bytes down in a round', 'Bytes of all messages to devices, as encoded.', { name: 'bytes', format: formatBytes }, runs, (line) =>
      numberIn(line, 'bytesDown'),
    ),
    spread('Bytes up in a round', 'Bytes of all messages from devices, as encoded.', { name: 'bytes', format: formatBytes }, runs, (line) =>
      numberIn(line, 'bytesUp'),
    ),
  ]),
];

const GROUPS: Readonly<Record<ActivityGroup, string>> = {
  low: 'least active 5 %',
  medium: 'middling 5 %',
  high: 'most active 5 %',
};

/** undefined where the fleet was too small to group, or never measured. */
export const leftOutFigure = (runs: readonly StoredRun[], metric: string): Html | undefined => {
  const columns = ACTIVITY_GROUPS.map((group) => metricColumn('test', metric, group));
  const known = runs.flatMap((run) => {
    const best = run.epochs.findLast((line) => line['best'] === true);
    return best !== undefined && columns.some((column) => Object.hasOwn(best, column)) ? [{ run, best }] : [];
  });
  if (known.length === 0) return undefined;
  const title = metricTitle(metric);
  return figure({
    title: `${title} by activity`,
    description: `Test ${title} at the best epoch, of the devices with the fewest, middling and the most training ratings.`,
    x: { name: 'devices by number of training ratings', categories: ACTIVITY_GROUPS.map((group) => GROUPS[group]) },
    y: { name: `test ${title}` },
    series: known.map(({ run, best }) => ({
      kind: 'bar',
      name: label(runs, run, runs.length === 1 ? `test ${title}` : ''),
      values: columns.map((column) => numberIn(best, column)),
    })),
  });
};
