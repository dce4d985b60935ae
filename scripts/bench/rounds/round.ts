// How near is a round to its floor? Two regimes on MovieLens-1M's shapes, both with 64 devices of the paper's sizes.
// In the first, each device has all its ratings and a whole model. In the second, that of the authors' code, each has one rating.
import { metamfOptions } from '../../../src/algorithms/metamf/options.js';
import type { MetaMFServer } from '../../../src/algorithms/metamf/server.js';
import { createAlgorithm } from '../../../src/algorithms/registry.js';
import { median } from '../../../src/base/median.js';
import { PHASES, type RoundFinished } from '../../../src/events/round.js';
import { createKernelPool } from '../../../src/tensor/kernels/kernel-pool.js';
import { referenceKernels } from '../../../src/tensor/kernels/reference.js';
import { type OptimizerOptions, optimizerStep } from '../../../src/tensor/optimizers/optimizer.js';
import { createOptimizerState } from '../../../src/tensor/optimizers/step.js';
import { createFloor, floorOf, floorRates } from '../floors/floor.js';
import { alternate, medianOf, medianRatio, type Timing } from '../measure.js';
import { onNextProcessor } from '../pin.js';
import type { Bench, Report, Table } from '../report.js';
import {
  bytesPerDevice,
  configOf,
  loadMl1mShapes,
  ml1mPlace,
  phaseMillis,
  ratingsPerSecond,
  roundMillis,
  startTraining,
  type Training,
} from './training.js';

const THREADS = 2;
/** In a turn: about two seconds of a training, of which the first rounds meet caches that others have filled and threads that slept. */
export const TURN_ROUNDS = { full: 40, small: 160, fedavg: 120 } as const;
/**
 * Rounds before the first that counts, few for a training of thousands. Until then V8 still compiles during rounds, and users have more units.
 */
export const WARMUPS = { full: 800, small: 3000, fedavg: 300 } as const;
const ADAM_PASSES = 10;

export const fullConfig = () => configOf({ threads: String(THREADS), cohort: '64', ratings: 'all', delivery: 'full', dtype: 'f32' });
export const smallConfig = () => configOf({ threads: String(THREADS), delivery: 'subset' }, 'paper');

/** Adam's pass over the parameters of a training, with nothing before or after it, on as many threads. */
export const createAdamPass = async ({ plan }: Training, threads: number) => {
  const server = (await createAlgorithm(plan.host.algorithm, plan.world).createServer({ seed: 1, threads: 1 })) as MetaMFServer;
  const memories: WebAssembly.Memory[] = [];
  for (const { memory, arena } of server.parameters) memories[memory] = arena.memory;
  const pool = await createKernelPool({ reference: referenceKernels, threads, memories });
  const state = createOptimizerState();
  const options: OptimizerOptions = {
    kind: 'adam',
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    decoupled: false,
    clip: 5,
    decay: () => 1e-3,
    popularity: 0,
    lazy: () => false,
  };
  return {
    step: () => void optimizerStep(pool, server.parameters, options, state, 1e-4, 64),
    close: async () => void (await Promise.all([pool.close(), server.close()])),
  };
};

const phaseTable = (title: string, rounds: readonly RoundFinished[], floor: Readonly<Record<string, number>>, total: number): Table => {
  const phases = phaseMillis(rounds);
  const rows = PHASES.map((phase) => [phase, phases[phase], phases[phase] / roundMillis(rounds), floor[phase] ?? '']);
  return { title, columns: ['phase', 'ms', 'share of the round', 'floor, ms'], rows: [...rows, ['round', roundMillis(rounds), 1, total]] };
};

/** Of several turns the one of middling length. */
const medianTurn = (turns: readonly (readonly RoundFinished[])[]): readonly RoundFinished[] =>
  turns.toSorted((a, b) => roundMillis(a) - roundMillis(b))[turns.length >> 1]!;

const fullReport = (training: Training, rounds: readonly RoundFinished[], timings: Readonly<Record<string, Timing>>): Report => {
  const rates = floorRates(timings, THREADS);
  const metamf = metamfOptions.parse(fullConfig()['metamf']);
  const { items } = training.plan.world;
  const size = { cohort: 64, items, hidden: metamf.hidden, rank: metamf.lowRank, parameters: training.parameters };
  const floor = floorOf(rates, size);
  return {
    tables: [phaseTable('cohort 64, all ratings, full f32 delivery, 2 threads', rounds, floor, floor.total)],
    targets: [{ claim: 'full round against its floor', measured: roundMillis(rounds) / floor.total, bound: 'at most', wanted: 1.5 }],
    notes: [
      `full round: ${ratingsPerSecond(rounds).toFixed(0)} ratings/s, ${(bytesPerDevice(rounds, 'down') / 1e6).toFixed(2)} MB down to a device`,
      `kernel ${rates.gflops.toFixed(1)} GFLOPS and memory ${rates.gigabytes.toFixed(1)} GB/s on ${THREADS} threads, measured between the rounds`,
    ],
  };
};

const smallReport = (rounds: readonly RoundFinished[], timings: Readonly<Record<string, Timing>>): Report => {
  const adam = timings['adam']!.millis;
  const measured = medianRatio(timings['small']!.millis, adam);
  return {
    tables: [phaseTable('64 devices with 1 rating each, subset delivery, 2 threads', rounds, { step: median(adam) }, median(adam))],
    targets: [{ claim: "small round against Adam's pass alone", measured, bound: 'at most', wanted: 1.4 }],
    notes: [`small round: ${ratingsPerSecond(rounds).toFixed(0)} ratings/s`],
  };
};

export const bench: Bench = {
  question: 'how near is a round to its floor?',
  run: async ({ repetitions, note, pin }) => {
    const dataset = await loadMl1mShapes();
    note(`data: ${ml1mPlace() ?? 'synthetic, of the sizes of MovieLens-1M'}`);
    const full = await startTraining(fullConfig(), dataset);
    const small = await startTraining(smallConfig(), dataset);
    const floor = await onNextProcessor(pin, () => createFloor(THREADS));
    const adam = await onNextProcessor(pin, () => createAdamPass(small, THREADS));
    const seen = { full: [] as (readonly RoundFinished[])[], small: [] as (readonly RoundFinished[])[] };
    const rounds = (kind: 'full' | 'small', training: Training, count: number) => async (): Promise<number> => {
      const finished = await training.rounds(count);
      seen[kind].push(finished);
      return roundMillis(finished);
    };
    await full.rounds(WARMUPS.full);
    await small.rounds(WARMUPS.small);
    const timings: Readonly<Record<string, Timing>> = await alternate(
      {
        full: rounds('full', full, TURN_ROUNDS.full),
        ...floor.contenders,
        small: rounds('small', small, TURN_ROUNDS.small),
        adam: medianOf(ADAM_PASSES, adam.step),
      },
      { repetitions },
    );
    const reports = [fullReport(full, medianTurn(seen.full), timings), smallReport(medianTurn(seen.small), timings)];
    await Promise.all([full.close(), small.close(), floor.close(), adam.close()]);
    return {
      tables: reports.flatMap(({ tables }) => tables),
      targets: reports.flatMap(({ targets = [] }) => targets),
      notes: reports.flatMap(({ notes = [] }) => notes),
    };
  },
};
