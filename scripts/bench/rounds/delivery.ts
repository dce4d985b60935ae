// What does it cost how a model travels: all rows or those asked for, f32, f16 or int8, on 1, 2 or 4 threads?

import { median } from '../../../src/base/median.js';
import { random } from '../../../src/base/random.js';
import type { Dataset } from '../../../src/data/dataset.js';
import type { RoundFinished } from '../../../src/events/round.js';
import type { Dtype } from '../../../src/messages/tensor-form.js';
import { decodeTensor, encodeTensor } from '../../../src/messages/wire-tensor.js';
import { alternate, ratio } from '../measure.js';
import type { Bench, Table } from '../report.js';
import { bytesPerDevice, configOf, devicesPerSecond, type Flags, loadMl1mShapes, roundMillis, startTraining } from './training.js';

const ROUNDS = 3;

type Variant = { readonly name: string; readonly flags: Flags };

const COMMON = { cohort: '64', ratings: 'all', threads: '2' };

const DELIVERY_VARIANTS: readonly (Variant & { readonly dtype: Dtype })[] = (['full', 'subset'] as const).flatMap((delivery) =>
  (['f32', 'f16', 'int8'] as const).map((dtype) => ({ name: `${delivery} ${dtype}`, dtype, flags: { ...COMMON, delivery, dtype } })),
);
const THREAD_VARIANTS: readonly Variant[] = [1, 2, 4].map((threads) => {
  return { name: `${threads} threads`, flags: { ...COMMON, threads: String(threads), delivery: 'full' } };
});

/** Contenders are fleets with the same seed: they run the same rounds with the same cohorts. */
const measure = async (dataset: Dataset, variants: readonly Variant[], repetitions: number) => {
  const seen = new Map<string, RoundFinished[]>(variants.map(({ name }) => [name, []]));
  const trainings = await Promise.all(variants.map(({ flags }) => startTraining(configOf(flags), dataset)));
  const contenders = Object.fromEntries(
    variants.map(({ name }, index) => {
      const contender = async (): Promise<number> => {
        const rounds = await trainings[index]!.rounds(ROUNDS);
        seen.get(name)!.push(...rounds);
        return roundMillis(rounds);
      };
      return [name, contender];
    }),
  );
  const timings = await alternate(contenders, { repetitions });
  await Promise.all(trainings.map((training) => training.close()));
  return { timings, seen };
};

/** Root mean square error of what arrives, relative to that of what was sent: normal numbers, in rows as long as MetaMF's. */
const wireError = (dtype: Dtype): number => {
  const width = 8;
  const rows = 4096;
  const { normal } = random(1, 'wire error');
  const sent = Float32Array.from({ length: rows * width }, () => normal());
  const spec = { name: 'rows', perRow: true, shape: [width] };
  const arrived = decodeTensor(encodeTensor(dtype, [rows, width], [sent]), dtype, spec, rows, 'benchmark');
  const squares = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
  return Math.sqrt(squares(arrived.map((value, index) => value - sent[index]!)) / squares(sent));
};

/** Root mean square over the rounds of the relative difference of a round's loss from that of the same round in f32. */
const lossError = (rounds: readonly RoundFinished[], exact: readonly RoundFinished[]): number =>
  Math.sqrt(rounds.reduce((sum, { loss }, index) => sum + (loss! / exact[index]!.loss! - 1) ** 2, 0) / rounds.length);

const deliveryTable = ({ timings, seen }: Awaited<ReturnType<typeof measure>>): Table => {
  const exact = seen.get('full f32')!;
  const rows = DELIVERY_VARIANTS.map(({ name, dtype }) => {
    const rounds = seen.get(name)!;
    const bytes = [bytesPerDevice(rounds, 'down') / 1000, bytesPerDevice(rounds, 'up') / 1000];
    return [
      name,
      median(timings[name]!.millis),
      ratio(timings[name]!, timings['full f32']!),
      ...bytes,
      wireError(dtype).toExponential(1),
      lossError(rounds, exact).toExponential(1),
    ];
  });
  const columns = ['delivery', 'ms per round', '× full f32', 'kB down per device', 'kB up per device', 'numbers off by', 'loss off by'];
  return { title: 'delivery and numbers on the wire: cohort 64, all ratings, 2 threads', columns, rows };
};

const threadTable = ({ timings, seen }: Awaited<ReturnType<typeof measure>>): Table => {
  const rows = THREAD_VARIANTS.map(({ name }) => {
    return [name, median(timings[name]!.millis), ratio(timings['1 threads']!, timings[name]!), devicesPerSecond(seen.get(name)!)];
  });
  return { title: 'threads: full f32 delivery, all ratings', columns: ['threads', 'ms per round', '× 1 thread', 'devices/s'], rows };
};

export const bench: Bench = {
  question: 'what does it cost how a model travels, and what do threads gain?',
  run: async ({ repetitions, note }) => {
    const dataset = await loadMl1mShapes();
    note('delivery and dtype');
    const delivery = await measure(dataset, DELIVERY_VARIANTS, repetitions);
    note('threads');
    const threads = await measure(dataset, THREAD_VARIANTS, repetitions);
    return {
      tables: [deliveryTable(delivery), threadTable(threads)],
      notes: [
        'full and subset in f32 train the same numbers: their loss differs by 0.',
        'off by: root mean square, relative; of the losses, over the first rounds, in which predictions hardly depend on the model yet',
      ],
    };
  },
};
