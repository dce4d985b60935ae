// What do checkpoints cost a run? Real runs that save far more often than they would by default, to have something to measure.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../../../src/base/median.js';
import { loadDataset } from '../../../src/data/load.js';
import type { CheckpointWritten } from '../../../src/events/run-event.js';
import { startRun } from '../../../src/runs/trainer/run.js';
import type { Bench, Cell, Target } from '../report.js';
import { configOf, ml1mPlace } from '../rounds/training.js';

const EVERY_MINUTES = 0.25;

type Span = { readonly from: number; readonly to: number };

const overlaps = (a: Span, b: Span): boolean => a.from < b.to && b.from < a.to;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const mean = (values: readonly number[]): number => sum(values) / Math.max(1, values.length);

const measure = async (preset: string, data: string, minutes: number) => {
  const config = configOf({ data, threads: '2', 'checkpoint.every': String(EVERY_MINUTES), epochs: '1000000', patience: '0' }, preset);
  const dataset = await loadDataset(config.data, { split: 'auto', seed: config.seed });
  const folder = mkdtempSync(join(tmpdir(), 'metafleet-bench-'));
  const checkpoints = { last: join(folder, 'last.checkpoint'), best: join(folder, 'best.checkpoint') };
  const rounds: (Span & { readonly millis: number })[] = [];
  const saves: (Span & CheckpointWritten)[] = [];
  const run = await startRun({
    config,
    dataset,
    checkpoints,
    onEvent: (event) => {
      const to = performance.now();
      if (event.type === 'round') rounds.push({ from: to - event.millis, to, millis: event.millis });
      if (event.type === 'checkpoint') saves.push({ from: to - event.millis, to, ...event });
      if (event.type === 'checkpoint-failed') throw new Error(event.reason);
    },
  });
  const timer = setTimeout(() => run.interrupt(), minutes * 60_000);
  try {
    await run.finished;
  } finally {
    clearTimeout(timer);
    await run.close();
    rmSync(folder, { recursive: true, force: true });
  }
  // The last save has no round to hold up.
  const within = saves.filter(({ to }) => to < rounds.at(-1)!.to);
  const beside = rounds.filter((round) => within.some((save) => overlaps(round, save)));
  const usual = median(rounds.filter((round) => !beside.includes(round)).map(({ millis }) => millis));
  const last = within.filter(({ path }) => path === checkpoints.last);
  const best = within.filter(({ path }) => path === checkpoints.best);
  return { rounds, last, best, beside, usual };
};

export const bench: Bench = {
  question: 'what do checkpoints cost a run?',
  run: async ({ minutes, note }) => {
    const rows: Cell[][] = [];
    const runs: Cell[][] = [];
    const targets: Target[] = [];
    for (const [preset, data] of [
      ['default', configOf({}).data],
      ['ml-1m', ml1mPlace() ?? 'synthetic:users=6040,items=3706,ratings=1000209'],
    ] as const) {
      note(`${preset} for ${minutes} minutes`);
      const { rounds, last, best, beside, usual } = await measure(preset, data, minutes);
      const waits = (saves: readonly CheckpointWritten[]): number[] => saves.map(({ waited }) => waited);
      const often = configOf({}, preset).checkpoint.every * 60_000;
      const share = (mean(waits(last)) + mean(waits(best))) / often;
      const longer = sum(beside.map(({ millis }) => millis - usual)) / (last.length + best.length);
      for (const [file, saves] of Object.entries({ last, best })) {
        const each = (of: (save: CheckpointWritten) => number): number => mean(saves.map(of));
        rows.push([
          preset,
          file,
          saves.length,
          each(({ bytes }) => bytes / 1e6),
          each(({ millis }) => millis),
          each(({ waited }) => waited),
        ]);
      }
      runs.push([preset, rounds.length, usual, longer, `${(100 * share).toFixed(2)} %`]);
      targets.push({ claim: `${preset}: share of a run that waits`, measured: share, bound: 'at most', wanted: 0.01 });
    }
    return {
      tables: [
        {
          title: `a save, each ${60 * EVERY_MINUTES} s`,
          columns: ['preset', 'file', 'saves', 'MB', 'ms to disk', 'ms that rounds waited'],
          rows,
        },
        { title: 'a run', columns: ['preset', 'rounds', 'ms a round', 'ms more during a save', 'share that waits'], rows: runs },
      ],
      targets,
      notes: [
        'Rounds wait for the save to begin, and for Θ to be copied before a step may change it; the wait for `best` is that for all models that were best since the file before. _share that waits_: for both, each 10 minutes, the default. _ms more during a save_: what the rounds beside it took above the median of the others, waiting included.',
      ],
    };
  },
};
