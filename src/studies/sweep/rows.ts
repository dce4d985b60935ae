import { formatBytes, formatMillis } from '../../report/format.js';
import { writeAtomically } from '../../runs/folder/atomic-write.js';
import { type MeasuredPart, metricColumn } from '../../runs/folder/metric-columns.js';
import { type Costs, type RunSizes, totalMillis } from './cost-model.js';
import type { FinishedRun } from './runs.js';
import type { SweepPoint } from './sweep-file.js';

/** One row of a sweep's table, flat: NDJSON and CSV have the same columns. Milliseconds, bytes, seconds. */
export type SweepRow = Readonly<Record<string, string | number | boolean | null>>;

export type Prediction = { readonly costs: Costs; readonly sizes: RunSizes };

const plain = (value: unknown): string | number | boolean | null =>
  value === null || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : typeof value === 'string'
      ? value
      : JSON.stringify(value);

/** Metrics at the best epoch by validation, or null. */
const metricsOf = ({ summary: { valid, test, metrics } }: FinishedRun): SweepRow =>
  Object.fromEntries(
    Object.entries({ valid, test }).flatMap(([part, { best }]) =>
      metrics.map((metric) => [metricColumn(part as MeasuredPart, metric), best?.[metric] ?? null]),
    ),
  );

export const rowOf = (point: SweepPoint, run: FinishedRun, predicted: Prediction | undefined): SweepRow => {
  const { summary, costs, seconds } = run;
  const { name, repeat, varied, config } = point;
  return {
    point: name,
    repeat,
    seed: config.seed,
    ...Object.fromEntries(Object.entries(varied).map(([key, value]) => [key, plain(value)])),
    devices: summary.devices,
    items: summary.dataset.items,
    parameters: summary.parameters,
    cohort: plain(summary.config['cohort']),
    rounds: summary.rounds.total,
    reason: summary.reason,
    roundMillis: costs.roundMillis ?? null,
    roundMillisP95: run.roundP95,
    roundCpuMillis: costs.roundCpuMillis ?? null,
    startMillis: costs.startMillis ?? null,
    measureMillis: costs.measureMillis ?? null,
    bytesDownPerRound: costs.bytesDown ?? null,
    bytesUpPerRound: costs.bytesUp ?? null,
    memoryBytes: costs.memoryBytes ?? null,
    seconds,
    ...metricsOf(run),
    digest: summary.digest,
    ...(predicted === undefined
      ? {}
      : {
          predictedRoundMillis: predicted.costs.roundMillis,
          predictedRoundCpuMillis: predicted.costs.roundCpuMillis,
          predictedBytesDownPerRound: predicted.costs.bytesDown,
          predictedBytesUpPerRound: predicted.costs.bytesUp,
          predictedMemoryBytes: predicted.costs.memoryBytes,
          predictedSeconds: totalMillis(predicted.costs, predicted.sizes) / 1000,
        }),
  };
};

/** RFC 4180: quoted where a comma, a quote or a line break would be taken for another. */
const csvField = (value: SweepRow[string] | undefined): string => {
  const text = value === null || value === undefined ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

export const toCsv = (rows: readonly SweepRow[]): string => {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return [columns, ...rows.map((row) => columns.map((column) => row[column]))]
    .map((fields) => `${fields.map(csvField).join(',')}\r\n`)
    .join('');
};

const toNdjson = (rows: readonly SweepRow[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** Both files anew, each all or nothing. */
export const writeRows = async (base: string, rows: readonly SweepRow[]): Promise<void> => {
  await writeAtomically(`${base}.ndjson`, toNdjson(rows));
  await writeAtomically(`${base}.csv`, toCsv(rows));
};

/** What was predicted against what was found, by column. */
const COMPARED = [
  ['a round', 'predictedRoundMillis', 'roundMillis', formatMillis],
  ['its CPU time', 'predictedRoundCpuMillis', 'roundCpuMillis', formatMillis],
  ['whole run', 'predictedSeconds', 'seconds', (value: number) => formatMillis(1000 * value)],
  ['down a round', 'predictedBytesDownPerRound', 'bytesDownPerRound', formatBytes],
  ['up a round', 'predictedBytesUpPerRound', 'bytesUpPerRound', formatBytes],
  ['memory', 'predictedMemoryBytes', 'memoryBytes', formatBytes],
] as const;

const table = (lines: readonly (readonly string[])[]): string => {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

const TOLERANCE = 0.25;

/** Predicted → found for each point, and how often the prediction was within 25 %. */
export const renderComparison = (rows: readonly SweepRow[]): string => {
  const known = rows.filter((row) => typeof row['predictedSeconds'] === 'number');
  const deviations = COMPARED.map((): number[] => []);
  const lines = known.map((row) => [
    String(row['point']),
    ...COMPARED.map(([, from, to, show], index) => {
      const [predicted, found] = [Number(row[from]), Number(row[to])];
      deviations[index]!.push(Math.abs(predicted / found - 1));
      return `${show(predicted)} > ${show(found)}`;
    }),
  ]);
  const within = deviations.map((all) => `${all.filter((off) => off <= TOLERANCE).length} of ${all.length}`);
  const worst = deviations.map((all) => `${(100 * Math.max(0, ...all)).toFixed(0)} %`);
  return table([
    ['predicted > found', ...COMPARED.map(([title]) => title)],
    ...lines,
    ['within 25 %', ...within],
    ['farthest off', ...worst],
  ]);
};

/** What a sweep will take, run by run and in all, before anything is run. */
export const renderPlan = (points: readonly (SweepPoint & { readonly predicted: Prediction })[]): string => {
  const lines = points.map(({ name, predicted: { costs, sizes } }) => [
    name,
    String(sizes.rounds),
    formatMillis(costs.roundMillis),
    formatMillis(totalMillis(costs, sizes)),
    formatBytes(costs.bytesDown * sizes.rounds),
    formatBytes(costs.bytesUp * sizes.rounds),
    formatBytes(costs.memoryBytes),
  ]);
  const total = points.reduce((sum, { predicted: { costs, sizes } }) => sum + totalMillis(costs, sizes), 0);
  const most = Math.max(...points.map(({ predicted }) => predicted.costs.memoryBytes));
  return [
    table([['predicted', 'rounds', 'a round', 'whole run', 'down', 'up', 'memory'], ...lines]),
    `in all: ${points.length} runs, ${formatMillis(total)}, at most ${formatBytes(most)} of memory`,
  ].join('\n');
};
