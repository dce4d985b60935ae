import { copyFileSync, mkdirSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { Command, Option } from 'commander';
import { badInput } from '../../base/errors.js';
import { leave } from '../../base/leaving.js';
import { formatMillis, formatSpan, plural } from '../../report/format.js';
import { checkRunName } from '../../runs/folder/run-name.js';
import { totalMillis } from '../../studies/sweep/cost-model.js';
import { measureSizes, predict } from '../../studies/sweep/prediction.js';
import { type Prediction, renderComparison, renderPlan, rowOf, type SweepRow, writeRows } from '../../studies/sweep/rows.js';
import { openRuns, type RunFolder } from '../../studies/sweep/runs.js';
import type { Sweep, SweepPoint } from '../../studies/sweep/sweep-file.js';
import { addJson, answer, type JsonFlag } from '../json-output.js';
import { INTERRUPTED, onPress } from '../signals/signals.js';
import { readSweep } from './read-sweep.js';

type Flags = JsonFlag & {
  readonly plan?: boolean;
  readonly predict: boolean;
  readonly count?: boolean;
  readonly point?: string;
  readonly collect?: boolean;
  readonly results: string;
  readonly name?: string;
};

type Predictions = ReadonlyMap<string, Prediction>;

const say = (text: string): void => void process.stderr.write(`sweep: ${text}\n`);

/** First Ctrl-C: the run that is under way ends after its round, with a checkpoint. Second: at once. Third: without waiting for it. */
const onInterrupt = (runs: RunFolder) => {
  let asked = 0;
  const release = onPress(() => {
    asked += 1;
    if (asked > 2) {
      void leave(INTERRUPTED);
      return;
    }
    say(asked === 1 ? 'stopping after this round; the same command continues (Ctrl-C again: at once)' : 'stopping at once');
    runs.interrupt();
  });
  return { interrupted: () => asked > 0, release };
};

/** Time left: what was predicted, corrected by how predictions have fared so far; without them, the mean of the runs that ended. */
const timeLeft = (
  done: readonly { readonly millis: number; readonly predicted?: number }[],
  ahead: readonly (number | undefined)[],
): number => {
  const spent = done.reduce((sum, { millis }) => sum + millis, 0);
  const foreseen = done.reduce((sum, { predicted = 0 }) => sum + predicted, 0);
  const factor = foreseen > 0 ? spent / foreseen : 1;
  return ahead.reduce<number>(
    (sum, predicted) => sum + (predicted === undefined ? spent / Math.max(1, done.length) : factor * predicted),
    0,
  );
};

type SweepEnd = 'finished' | 'failed' | 'interrupted';

/** Runs what is not finished, point by point; the tables are as new as the last run that ended. */
const runPoints = async (
  { points }: Sweep,
  runs: RunFolder,
  predictions: Predictions | undefined,
  table: string,
  interrupted: () => boolean,
): Promise<{ readonly end: SweepEnd; readonly rows: readonly SweepRow[] }> => {
  const rows: SweepRow[] = [];
  const done: { readonly millis: number; readonly predicted?: number }[] = [];
  const foresee = (name: string): number | undefined => {
    const prediction = predictions?.get(name);
    return prediction === undefined ? undefined : totalMillis(prediction.costs, prediction.sizes);
  };
  const keep = async (index: number): Promise<boolean> => {
    const point = points[index]!;
    const run = runs.finished(point.name);
    if (run === undefined) return false;
    rows.push(rowOf(point, run, predictions?.get(point.name)));
    await writeRows(table, rows);
    return true;
  };
  let failures = 0;
  for (const [index, { name, config }] of points.entries()) {
    if (interrupted()) return { end: 'interrupted', rows };
    if (await keep(index)) continue;
    const ahead = points.slice(index).filter((point) => runs.finished(point.name) === undefined);
    const left =
      predictions === undefined && done.length === 0
        ? ''
        : `, about ${formatSpan(
            timeLeft(
              done,
              ahead.map((point) => foresee(point.name)),
            ),
          )} left`;
    say(`run ${index + 1} of ${points.length}: ${name}${left}`);
    const { end, error } = await runs.run(name, config);
    if (end === 'interrupted') return { end, rows };
    if (end === 'failed') {
      failures += 1;
      say(`${name} failed: ${error}`);
      continue;
    }
    await keep(index);
    const predicted = foresee(name);
    done.push({ millis: 1000 * runs.finished(name)!.seconds, ...(predicted !== undefined && { predicted }) });
  }
  return { end: failures > 0 ? 'failed' : 'finished', rows };
};

const EXIT: Readonly<Record<SweepEnd, number>> = { finished: 0, failed: 1, interrupted: INTERRUPTED };

/** A point and what its run is expected to cost: milliseconds, bytes. */
const plannedPoint = ({ name, varied, predicted }: SweepPoint & { readonly predicted: Prediction }): object => ({
  point: name,
  varied,
  ...predicted.costs,
  rounds: predicted.sizes.rounds,
  millis: totalMillis(predicted.costs, predicted.sizes),
});

/** Draws the curves of the rows, and answers. `notes`: lines in front of them. */
const answerRows = async (
  { points, curves }: Sweep,
  { folder, rows, end, notes, took }: { folder: string; rows: readonly SweepRow[]; end: string; notes: readonly string[]; took?: string },
  flags: Flags,
): Promise<void> => {
  // Charts are drawn at the end, if at all: their library takes long to load.
  const { writeCurves } = await import('../../studies/sweep/curves.js');
  const drawn = writeCurves(curves, rows, folder);
  const after = took === undefined ? '' : ` after ${took}`;
  answer(flags, {
    document: () => ({ folder, end, runs: points.length, points: rows, curves: drawn }),
    text: () =>
      [
        ...notes,
        ...drawn,
        `${rows.length} of ${points.length} runs in ${join(folder, 'points.csv')} and points.ndjson; ${end}${after}\n`,
      ].join('\n'),
  });
};

/** One point, for a scheduler that starts a process for each: an Indexed Job, a Slurm array, xargs. No other point's files are touched. */
const sweepPoint = async ({ points }: Sweep, index: number, folder: string, flags: Flags): Promise<number> => {
  const point = points[index]!;
  const runs = openRuns(join(folder, 'runs'));
  const { interrupted, release } = onInterrupt(runs);
  try {
    if (runs.finished(point.name) === undefined) {
      say(`point ${index}, of ${plural(points.length, 'point')}: ${point.name}`);
      const { end, error } = await runs.run(point.name, point.config);
      if (end === 'failed') say(`${point.name} failed: ${error}`);
      if (end !== 'finished') return interrupted() ? EXIT.interrupted : EXIT[end];
    }
    const row = rowOf(point, runs.finished(point.name)!, undefined);
    answer(flags, {
      document: () => row,
      text: () => `point ${index}: ${point.name} ${row['reason']} after ${row['rounds']} rounds, digest ${row['digest']}\n`,
    });
    return EXIT.finished;
  } finally {
    release();
  }
};

/** The tables and curves of the points that have ended, wherever they were run. Names those that have not. */
const collectPoints = async (sweep: Sweep, folder: string, flags: Flags): Promise<number> => {
  const runs = openRuns(join(folder, 'runs'));
  const rows: SweepRow[] = [];
  let missing = 0;
  for (const [index, point] of sweep.points.entries()) {
    const run = runs.finished(point.name);
    if (run === undefined) {
      missing += 1;
      say(`point ${index} has not ended: ${join(runs.folder, point.name)}`);
    } else rows.push(rowOf(point, run, undefined));
  }
  await writeRows(join(folder, 'points'), rows);
  await answerRows(sweep, { folder, rows, end: missing === 0 ? 'finished' : `${missing} missing`, notes: [] }, flags);
  return missing === 0 ? EXIT.finished : EXIT.failed;
};

/** The number of a point in the file, from 0. Throws CONFIG for another text. */
const pointIndex = (text: string, { points }: Sweep): number => {
  const index = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (points[index] === undefined)
    throw badInput('CONFIG', 'flag --point', `a whole number from 0 to ${points.length - 1}, the points of the sweep`, `"${text}"`);
  return index;
};

const sweepOnce = async (file: string, flags: Flags): Promise<number> => {
  const { sweep } = await readSweep(file);
  if (flags.count === true) {
    answer(flags, { document: () => ({ points: sweep.points.map(({ name }) => name) }), text: () => `${sweep.points.length}\n` });
    return EXIT.finished;
  }
  const folder = join(flags.results, checkRunName(flags.name ?? `sweep-${basename(file, extname(file))}`));
  if (flags.point !== undefined) return sweepPoint(sweep, pointIndex(flags.point, sweep), folder, flags);
  if (flags.collect === true) return collectPoints(sweep, folder, flags);
  return sweepAll(sweep, file, folder, flags);
};

/** Every point, one after the other. */
const sweepAll = async (sweep: Sweep, file: string, folder: string, flags: Flags): Promise<number> => {
  const runs = openRuns(join(folder, 'runs'));
  const { interrupted, release } = onInterrupt(runs);
  try {
    mkdirSync(folder, { recursive: true });
    copyFileSync(file, join(folder, 'sweep.yaml'));
    say(
      `reading ${plural(new Set(sweep.points.map(({ config }) => config.data)).size, 'dataset')} for ${plural(sweep.points.length, 'run')}`,
    );
    const sizes = await measureSizes(sweep.points, say);
    const predictable = sweep.points.filter(({ name }) => sizes.has(name));
    const predictions =
      flags.predict || flags.plan === true ? await predict(predictable, sizes, runs, { note: say, interrupted }) : undefined;
    if (interrupted()) return EXIT.interrupted;
    if (predictions !== undefined) {
      const plan = predictable.map((point) => ({ ...point, predicted: predictions.get(point.name)! }));
      if (flags.plan === true) {
        answer(flags, { document: () => ({ folder, plan: plan.map(plannedPoint) }), text: () => `${renderPlan(plan)}\n` });
        return EXIT.finished;
      }
      if (flags.json !== true && plan.length > 0) process.stdout.write(`${renderPlan(plan)}\n`);
    }
    const start = performance.now();
    const { end, rows } = await runPoints(sweep, runs, predictions, join(folder, 'points'), interrupted);
    const notes = predictions !== undefined && predictions.size > 0 && rows.length > 0 ? [`\n${renderComparison(rows)}`] : [];
    await answerRows(sweep, { folder, rows, end, notes, took: formatMillis(performance.now() - start) }, flags);
    return EXIT[end];
  } finally {
    release();
  }
};

/** `metafleet sweep <file>`: runs over a grid or list of configurations, and what their costs grow with. */
export const sweepCommand = (): Command =>
  addJson(
    new Command('sweep')
      .argument('<file>', 'sweep file (YAML), such as scripts/sweeps/devices.yaml')
      .option('--plan', 'predict time, bytes and memory from short measured runs, and end')
      .option('--no-predict', 'run without a prediction first')
      .addOption(new Option('--count', 'print the number of points, and end').conflicts(['plan', 'point', 'collect']))
      .addOption(new Option('--point <number>', 'run one point only, counted from 0').conflicts(['plan', 'collect']))
      .addOption(new Option('--collect', 'run nothing; put the points that have ended into one table').conflicts('plan'))
      .option('--results <folder>', 'folder for the sweep folder', 'results')
      .option('--name <sweep>', "name of the sweep folder (default: sweep- and the file's name)"),
  ).action(async (file: string, flags: Flags) => {
    process.exitCode = await sweepOnce(file, flags);
  });
