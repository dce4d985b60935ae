import { formatBytes, formatCount, formatError, formatSpan } from '../../report/format.js';
import { spreadOf } from '../statistics.js';
import type { LineResult, RunFigures, TableResult } from './table-result.js';

/** What the tables in the terminal and on the page have in common: cells. */
export const plusMinus = (values: readonly (number | null)[]): string => {
  if (values.length === 0) return '-';
  const { mean, deviation } = spreadOf(values.map((value) => value ?? Number.NaN));
  return deviation === null ? formatError(mean) : `${formatError(mean)} ± ${formatError(deviation)}`;
};

const meanOf = (runs: readonly RunFigures[], value: (run: RunFigures) => number): number => spreadOf(runs.map(value)).mean;

/** The costs of a line, means over its seeds. */
export const costsOf = (runs: readonly RunFigures[]) => ({
  rounds: formatCount(meanOf(runs, ({ rounds }) => rounds)),
  down: formatBytes(meanOf(runs, ({ bytesPerDevice }) => bytesPerDevice.down)),
  up: formatBytes(meanOf(runs, ({ bytesPerDevice }) => bytesPerDevice.up)),
  wall: formatSpan(meanOf(runs, ({ wallMillis }) => wallMillis)),
  cpu: formatSpan(meanOf(runs, ({ cpuMillis }) => cpuMillis)),
});

export const publishedText = (mae: number, mse: number | null): string => `${mae.toFixed(3)} / ${mse === null ? '-' : mse.toFixed(3)}`;

/** p as text: below what four decimals can show, its power of ten; 0 is what a double cannot hold. */
export const formatP = (p: number): string =>
  !Number.isFinite(p) ? '-' : p === 0 ? '< 1e-300' : p >= 1e-4 ? p.toFixed(4) : p.toExponential(1);

/** The paper's level. */
export const SIGNIFICANT = 0.01;

/** Columns padded to their widest cell, two spaces apart; the first is of text, the others of numbers. */
export const columnsText = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const cell = (text: string, column: number): string => (column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!));
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
};

const HEADER = [
  'test MAE / MSE',
  'at best MAE',
  'at best MSE',
  'at last MAE',
  'at last MSE',
  'published',
  'seeds',
  'rounds',
  'down/dev.',
  'up/dev.',
  'wall',
  'processor',
];

const lineRow = ({ label, published, runs }: LineResult): string[] => {
  const whole = published.filter(({ group }) => group === undefined);
  const shown = whole.length === 0 ? '-' : whole.map(({ mae, mse }) => publishedText(mae, mse)).join('; ');
  if (runs.length === 0) return [label, '-', '-', '-', '-', shown, '0', '-', '-', '-', '-', '-'];
  const { rounds, down, up, wall, cpu } = costsOf(runs);
  return [
    label,
    plusMinus(runs.map(({ best }) => best.mae)),
    plusMinus(runs.map(({ best }) => best.mse)),
    plusMinus(runs.map(({ last }) => last.mae)),
    plusMinus(runs.map(({ last }) => last.mse)),
    shown,
    String(runs.length),
    ...[rounds, down, up, wall, cpu],
  ];
};

const groupRows = ({ label, published, runs }: LineResult): string[][] =>
  (runs[0]?.groups ?? []).map(({ group, devices }) => {
    const of = runs.flatMap((run) => run.groups.filter((each) => each.group === group));
    const theirs = published.find((figure) => figure.group === group);
    return [
      `${label}, ${group} activity (${devices} users)`,
      plusMinus(of.map(({ mae }) => mae)),
      plusMinus(of.map(({ mse }) => mse)),
      theirs === undefined ? '-' : publishedText(theirs.mae, theirs.mse),
    ];
  });

const comparisonRows = ({ comparisons }: TableResult): string[][] =>
  comparisons.map(({ first, second, mae, mse }) => [
    `${first} against ${second}`,
    formatCount(mse.pairs),
    formatError(mae.difference),
    formatP(mae.p),
    formatError(mse.difference),
    formatP(mse.p),
    mse.p < SIGNIFICANT ? (mse.difference < 0 ? 'first better' : 'second better') : 'no difference',
  ]);

export const QUICK_NOTE = 'QUICK: runs cut short to prove that the command works. These figures are no measurement.';
export const UNTUNED_NOTE = 'The configurations were never tuned or measured on this set.';

/** What the trained models have that the paper's has not. */
export const additionsNote = (runs: readonly { readonly additions: readonly string[] }[]): string[] => {
  const additions = new Set(runs.flatMap((run) => run.additions));
  return additions.size === 0 ? [] : [`MetaMF is trained with ${[...additions].join(', ')}: additions to the paper's model, of its sizes.`];
};

/** The table for the terminal: plain text, as wide as it needs to be. */
export const tableText = (result: TableResult): string => {
  const { title, data, lines, baselines, others, missing } = result;
  const rows = [
    HEADER,
    ...lines.map(lineRow),
    ...baselines.map(({ label, seeds }) => [
      label,
      plusMinus(seeds.map(({ mae }) => mae)),
      plusMinus(seeds.map(({ mse }) => mse)),
      ...['-', '-', '-', String(seeds.length), '-', '-', '-', '-', '-'],
    ]),
    ...others.map(({ label, figure }) => [label, '-', '-', '-', '-', publishedText(figure.mae, figure.mse), '-', '-', '-', '-', '-', '-']),
  ];
  const groups = result.groups ? lines.flatMap(groupRows) : [];
  const comparisons = comparisonRows(result);
  return [
    `${title}, on ${data.title ?? data.name}`,
    ...(result.quick ? [QUICK_NOTE] : []),
    ...(data.measured ? [] : [UNTUNED_NOTE]),
    ...additionsNote(lines.flatMap(({ runs }) => runs)),
    '',
    columnsText(rows),
    ...(groups.length === 0 ? [] : ['', columnsText([['by activity, at best', 'MAE', 'MSE', 'published'], ...groups])]),
    ...(comparisons.length === 0
      ? []
      : ['', columnsText([['paired t-test over users', 'users', 'ΔMAE', 'p', 'ΔMSE', 'p', `at p < ${SIGNIFICANT}`], ...comparisons])]),
    ...(missing.length === 0 ? [] : ['', `not trained yet: ${missing.join('; ')} (the same command continues)`]),
  ].join('\n');
};
