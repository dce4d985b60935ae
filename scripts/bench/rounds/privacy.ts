// What does an update step cost a round, and how fast are the conversions of numbers on the wire?

import { median } from '../../../src/base/median.js';
import { random } from '../../../src/base/random.js';
import { bytesOf } from '../../../src/base/views.js';
import type { Dataset } from '../../../src/data/dataset.js';
import type { RoundFinished } from '../../../src/events/round.js';
import { decodeFloat16, decodeFloat16Plain, encodeFloat16, encodeFloat16Plain } from '../../../src/messages/float16.js';
import { findScales, fromSteps, fromStepsPlain, LEVELS, nearestSteps, roundToSteps } from '../../../src/messages/rounding.js';
import { alternate, type Contender, ratio } from '../measure.js';
import type { Bench, Table } from '../report.js';
import { bytesPerDevice, configOf, type Flags, loadMl1mShapes, roundMillis, startTraining } from './training.js';

const ROUNDS = 3;
type Variants = Readonly<Record<string, Flags>>;

const COMMON: Flags = { cohort: '64', ratings: 'all', threads: '2', delivery: 'full' };
const FEDAVG: Flags = { ...COMMON, algorithm: 'fedavg', 'defence.normMultiple': '0' };
const steps = (updates: string, more: Flags = {}): Flags => ({ ...FEDAVG, updates, ...more });

const STEPS: Variants = {
  none: FEDAVG,
  clip: steps('clip'),
  'clip, noise': steps('clip,noise'),
  'clip, central-noise': steps('clip,central-noise'),
  'top-k, a tenth': steps('top-k'),
  'random-k, a tenth': steps('random-k'),
  'quantize, 8 bits': steps('quantize'),
  'quantize, 4 bits': steps('quantize', { 'quantize.bits': '4' }),
  'top-k, quantize to 8 bits': steps('top-k,quantize'),
};
/** A round takes seconds: few of them are measured. */
const MASKED: Variants = { none: FEDAVG, 'secure-sum': steps('secure-sum') };
const MASKED_TURNS = 3;
const DTYPES: Variants = { f32: { ...COMMON, dtype: 'f32' }, f16: { ...COMMON, dtype: 'f16' }, int8: { ...COMMON, dtype: 'int8' } };

/** Contenders are fleets with the same seed: they run the same rounds with the same cohorts. The first is what the others are compared with. */
const roundTable = async (title: string, dataset: Dataset, variants: Variants, repetitions: number, count = ROUNDS): Promise<Table> => {
  const names = Object.keys(variants);
  const seen = new Map<string, RoundFinished[]>(names.map((name) => [name, []]));
  const trainings = await Promise.all(names.map((name) => startTraining(configOf(variants[name]!), dataset)));
  const contenders = Object.fromEntries(
    names.map((name, index) => {
      const contender = async (): Promise<number> => {
        const rounds = await trainings[index]!.rounds(count);
        seen.get(name)!.push(...rounds);
        return roundMillis(rounds);
      };
      return [name, contender];
    }),
  );
  const timings = await alternate(contenders, { repetitions });
  await Promise.all(trainings.map((training) => training.close()));
  const base = timings[names[0]!]!;
  const rows = names.map((name) => {
    const rounds = seen.get(name)!;
    const up = bytesPerDevice(rounds, 'up') / bytesPerDevice(seen.get(names[0]!)!, 'up');
    const [down, sent] = [bytesPerDevice(rounds, 'down') / 1000, bytesPerDevice(rounds, 'up') / 1000];
    return [name, median(timings[name]!.millis), ratio(timings[name]!, base), ratio(timings[name]!, base, 'cpu'), down, sent, up];
  });
  const first = names[0]!;
  const columns = ['', 'ms per round', `× ${first}`, '× CPU time', 'kB down per device', 'kB up per device', `bytes up × ${first}`];
  return { title, columns, rows };
};

const COUNT = 3706 * 8;
const CALLS = 100;

/** Of the rows of a model of the paper's sizes, in shared memory. */
const conversions = (): Readonly<Record<string, { readonly plain: Contender; readonly kernels: Contender }>> => {
  const { normal } = random(1, 'conversions');
  const values = new Float32Array(new SharedArrayBuffer(4 * COUNT)).map(() => normal());
  const [halves, out, scales] = [new Uint16Array(COUNT), new Float32Array(COUNT), new Float32Array(COUNT / 8)];
  encodeFloat16Plain(values, halves);
  findScales(values, 8, LEVELS.int8, scales);
  const grid = { group: 8, scales };
  const whole = roundToSteps(values, 8, LEVELS.int8, scales);
  const repeat = (work: () => unknown) => (): void => {
    for (let call = 0; call < CALLS; call++) work();
  };
  const pair = (plain: () => unknown, kernels: () => unknown) => ({ plain: repeat(plain), kernels: repeat(kernels) });
  return {
    'f32 to f16': pair(
      () => encodeFloat16Plain(values, new Uint16Array(COUNT)),
      () => encodeFloat16(values),
    ),
    'f16 to f32': pair(
      () => decodeFloat16Plain(bytesOf(halves), out),
      () => decodeFloat16(bytesOf(halves), out),
    ),
    'f32 to int8': pair(
      () => {
        const found = new Float32Array(COUNT / 8);
        findScales(values, 8, LEVELS.int8, found);
        roundToSteps(values, 8, LEVELS.int8, found);
      },
      () => nearestSteps(values, 8, LEVELS.int8, new Float32Array(COUNT / 8), 0),
    ),
    'int8 to f32': pair(
      () => fromStepsPlain(whole, grid, out),
      () => fromSteps(whole, grid, out),
    ),
  };
};

const conversionTable = async (repetitions: number): Promise<Table> => {
  const pairs = Object.entries(conversions());
  const contenders = Object.fromEntries(
    pairs.flatMap(
      ([name, pair]) =>
        [
          [`${name} plain`, pair.plain],
          [name, pair.kernels],
        ] as const,
    ),
  );
  const timings = await alternate<string>(contenders, { repetitions, warmups: 3 });
  const rows = pairs.map(([name]) => {
    const [plain, kernels] = [timings[`${name} plain`]!, timings[name]!];
    const micros = (millis: readonly number[]): number => (1000 * median(millis)) / CALLS;
    return [name, micros(plain.cpu), micros(kernels.cpu), ratio(kernels, plain, 'cpu')];
  });
  const columns = ['conversion', 'µs, loops', 'µs, kernels', '× loops'];
  return { title: `conversions of ${COUNT} numbers in rows of 8, CPU time`, columns, rows };
};

export const bench: Bench = {
  question: 'what does an update step cost a round, and what do numbers on the wire cost?',
  run: async ({ repetitions, note }) => {
    note('conversions');
    const converted = await conversionTable(repetitions);
    const dataset = await loadMl1mShapes();
    note('numbers on the wire');
    const sent = await roundTable(
      'MetaMF by what models travel as: full delivery, cohort 64, all ratings, 2 threads',
      dataset,
      DTYPES,
      repetitions,
    );
    note('update steps');
    const title = 'FedAvg by its update steps: full delivery, cohort 64, all ratings, 2 threads';
    const stepped = await roundTable(title, dataset, STEPS, repetitions);
    note('secure sums');
    const masked = await roundTable('Secure sums: the same, 64 neighbours', dataset, MASKED, MASKED_TURNS, 1);
    return { tables: [converted, sent, stepped, masked] };
  },
};
