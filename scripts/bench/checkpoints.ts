// What do checkpoints cost a run? Real runs that save far more often than they are told to by default.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../../src/base/median.js';
import type { CheckpointWritten } from '../../src/coordinator/events.js';
import { loadDataset } from '../../src/data/load.js';
import { startRun } from '../../src/simulation/run.js';
import type { Bench, Cell, Target } from './report.js';
import { configOf, ml1mPlace } from './training.js';

/** Of the default, 10 minutes. */
const EVERY_MINUTES = 0.25;

type Span = { readonly from: number; readonly to: number };

const overlaps = (a: Span, b: Span): boolean => a.from < b.to && b.from < a.to;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

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
  return { rounds, saves: within, beside, usual, total: rounds.at(-1)!.to - rounds[0]!.from };
};

export const bench: Bench = {
  question: 'what do checkpoints cost a run?',
  run: async ({ minutes, note }) => {
    const rows: Cell[][] = [];
    const targets: Target[] = [];
    for (const [preset, data] of [
      ['default', configOf({}).data],
      ['ml-1m', ml1mPlace() ?? 'synthetic:users=6040,items=3706,ratings=1000209'],
    ] as const) {
      note(`${preset} for ${minutes} minutes`);
      const { rounds, saves, beside, usual, total } = await measure(preset, data, minutes);
      const waited = sum(saves.map((save) => save.waited));
      const longer = sum(beside.map(({ millis }) => millis - usual));
      const percent = (time: number): string => `${((100 * time) / total).toFixed(2)} %`;
      const middle = (of: (save: CheckpointWritten) => number): number => median(saves.map(of));
      rows.push([
        preset,
        rounds.length,
        usual,
        saves.length,
        middle((save) => save.bytes / 1e6),
        middle((save) => save.millis),
        middle((save) => save.waited),
        percent(waited),
        percent(longer),
      ]);
      targets.push({ claim: `${preset}: share of the run that rounds waited`, measured: waited / total, bound: 'at most', wanted: 0.01 });
    }
    const columns = ['preset', 'rounds', 'ms per round', 'saves', 'MB', 'ms to disk', 'ms waited', 'waited', 'rounds took longer'];
    return {
      tables: [{ title: `last and best checkpoints, one each ${60 * EVERY_MINUTES} s and at each best epoch`, columns, rows }],
      targets,
      notes: [
        '_waited_: for Θ to be copied, before a step may change it, and for the save to begin. _rounds took longer_: what the rounds beside a save took above the median of the others, waiting included.',
      ],
    };
  },
};
