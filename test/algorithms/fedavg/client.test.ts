import { describe, expect, it } from 'vitest';
import type { FedAvgOptions } from '../../../src/algorithms/fedavg/options.js';
import type { LocalUpdate } from '../../../src/algorithms/port/client.js';
import { random } from '../../../src/base/random.js';
import { learn, operationsOf, scoresOf } from '../../support/algorithms/client-half.js';
import {
  descended,
  fedavg,
  type Local,
  meanSquaredError,
  type Numbers,
  OPTIONS,
  predicted,
  randomLocal,
  SHARED,
  withRows,
} from '../../support/fedavg/model.js';
import { expectClose } from '../../support/tensors/closeness.js';

/** Of a tensor's largest weight: what its float32 loses over some steps. */
const TOLERANCE = 1e-6;

/** One is a multiple of the four sums of the inner loop, one has a remainder, one is nothing but remainder. */
const SIZES = [
  { itemEmbedding: 5, units: 3 },
  { itemEmbedding: 8, units: 2 },
  { itemEmbedding: 1, units: 1 },
] as const;

const updateOf = (options: FedAvgOptions, { model, ratings, state }: Local): LocalUpdate =>
  learn(fedavg(options), model, { train: ratings }, ratings, random(9, 'update'), state);

/** A tensor's rows that the device touched, or all of it. */
const touched = (numbers: Numbers, name: (typeof SHARED)[number], rows: Uint32Array, d: number): number[] =>
  name === 'items' ? [...rows].flatMap((row) => numbers.items.slice(row * d, (row + 1) * d)) : numbers[name];

const expectUpdate = (options: FedAvgOptions, local: Local, after: Numbers): void => {
  const { rows, tensors, state } = updateOf(options, local);
  expect([...rows]).toEqual([...local.ratings.items].sort((a, b) => a - b));
  SHARED.forEach((name, index) => {
    const before = touched(local.numbers, name, rows, options.itemEmbedding);
    const found = Array.from(tensors[index]!, (difference, at) => before[at]! + difference);
    expectClose(found, touched(after, name, rows, options.itemEmbedding), TOLERANCE, name);
  });
  expectClose(state!, after.user, TOLERANCE, 'user vector');
};

describe('the client half of FedAvg', () => {
  for (const sizes of SIZES) {
    const name = `d = ${sizes.itemEmbedding}, f = ${sizes.units}`;

    it(`takes one local step of −rate × the gradient of the mean squared error, as central differences have it: ${name}`, () => {
      const options = { ...OPTIONS, ...sizes };
      for (const seed of [1, 2, 3]) {
        const local = randomLocal(sizes, 7, seed);
        const after = structuredClone(local.numbers);
        const h = 1e-6;
        for (const tensor of [...SHARED, 'user'] as const) {
          after[tensor].forEach((_, at) => {
            const moved = structuredClone(local.numbers);
            moved[tensor][at]! += h;
            const above = meanSquaredError(sizes, moved, local.ratings);
            moved[tensor][at]! -= 2 * h;
            const slope = (above - meanSquaredError(sizes, moved, local.ratings)) / (2 * h);
            after[tensor][at]! -= options.localRate * slope;
          });
        }
        expect(after.user).not.toEqual(local.numbers.user);
        expectUpdate(options, local, after);
      }
    });

    it(`descends over minibatches and epochs as a plain implementation does: ${name}`, () => {
      const cases = [
        { localEpochs: 1, localBatch: 4 },
        { localEpochs: 3, localBatch: 100 },
        { localEpochs: 4, localBatch: 3 },
        { localEpochs: 2, localBatch: 1 },
      ];
      for (const regime of cases) {
        const options = { ...OPTIONS, ...sizes, ...regime, localRate: 0.01 };
        const local = randomLocal(sizes, 10, 4);
        const { numbers, loss } = descended(options, local.numbers, local.ratings, random(9, 'update'));
        expectUpdate(options, local, numbers);
        const update = updateOf(options, local);
        expect(update.count).toBe(10);
        expect(update.loss / loss).toBeCloseTo(1, 5);
      }
    });
  }

  it('predicts ŷ = w2·ReLU((E[i] ⊙ p_u)·w1 + b1) + b2', () => {
    for (const sizes of SIZES) {
      const { model, state, ratings, numbers } = randomLocal(sizes, 12, 5);
      const expected = Array.from(ratings.items, (item) => predicted(sizes, numbers, item));
      expectClose(scoresOf(fedavg(sizes), model, { train: ratings }, ratings.items, state), expected, TOLERANCE);
    }
  });

  it('comes to equal bits with all rows and with a subset of them', () => {
    const options = { ...OPTIONS, localEpochs: 2, localBatch: 3 };
    const local = randomLocal(options, 8, 6);
    for (const decoys of [[], [0, 18, 7, 3]]) {
      const rows = Uint32Array.from(new Set([...local.ratings.items, ...decoys])).sort();
      const subset = { ...local, model: withRows(local.model, rows, options.itemEmbedding) };
      expect(updateOf(options, subset)).toEqual(updateOf(options, local));
      const predictions = [local, subset].map(({ model, ratings, state }) =>
        scoresOf(fedavg(), model, { train: ratings }, ratings.items, state),
      );
      expect(predictions[1]).toEqual(predictions[0]);
    }
  });

  it('learns from its batch alone, of all its ratings', () => {
    const local = randomLocal(OPTIONS, 8, 6);
    const { items, values } = local.ratings;
    const batch = { items: items.slice(2, 5), values: values.slice(2, 5) };
    const [some, alone] = [local.ratings, batch].map((train) => learn(fedavg(), local.model, { train }, batch, random(1), local.state));
    expect(some).toEqual(alone);
    expect(some!.rows).toEqual(items.slice(2, 5).sort());
  });

  it('changes neither its state, its model nor its ratings', () => {
    const options = { ...OPTIONS, localEpochs: 3, localBatch: 2 };
    const local = randomLocal(options, 8, 7);
    const before = structuredClone(local);
    const update = updateOf(options, local);
    expect(local).toEqual(before);
    expect(update.state!.buffer).not.toBe(local.state.buffer);
    scoresOf(fedavg(), local.model, { train: local.ratings }, local.ratings.items, local.state);
    expect(local).toEqual(before);
  });

  it('shuffles by the stream it is given: the same one gives equal bits, another does not', () => {
    const options = { ...OPTIONS, localBatch: 2 };
    const { model, ratings, state } = randomLocal(options, 8, 7);
    const by = (seed: number) => learn(fedavg(options), model, { train: ratings }, ratings, random(seed), state).tensors;
    expect(by(1)).toEqual(by(1));
    expect(by(1)).not.toEqual(by(2));
  });

  it('starts with a user vector near one, of the stream it is given', () => {
    const { state } = fedavg({ itemEmbedding: 400 }).client();
    const by = (seed: number, device: number) => state!.initial(random(seed, 'state', device), 400);
    expect(state!.size).toBe(400);
    const vector = by(1, 1);
    expect(vector).toHaveLength(400);
    expect(by(1, 1)).toEqual(vector);
    expect(by(1, 2)).not.toEqual(vector);
    expect(by(2, 1)).not.toEqual(vector);
    const mean = vector.reduce((sum, value) => sum + value, 0) / 400;
    const variance = vector.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 400;
    // Five standard errors.
    expect(Math.abs(mean - 1)).toBeLessThan(0.025);
    expect(Math.abs(Math.sqrt(variance) - 0.1)).toBeLessThan(0.018);
  });

  it('says how many operations an update takes: those of each rating in each epoch, and of each step', () => {
    const of = (count: number, regime: Partial<FedAvgOptions>) =>
      operationsOf(fedavg({ itemEmbedding: 5, units: 2, localBatch: 4, ...regime }), count, new Float32Array(5));
    // Forward 5·2 + 5 + 2 multiplications with an addition each, backward twice that; a step moves w1, b1, w2 and two vectors of 5.
    const [rating, step] = [2 * 3 * 17, 2 * (10 + 2 * 5 + 2 * 2)];
    expect([0, 1, 4, 5].map((count) => of(count, { localEpochs: 1 }))).toEqual([
      0,
      rating + step,
      4 * rating + step,
      5 * rating + 2 * step,
    ]);
    expect(of(5, { localEpochs: 3 })).toBe(3 * of(5, { localEpochs: 1 }));
  });

  it('does not hide a number that is none: neither its predictions nor its loss are finite', () => {
    const { model, ratings, state } = randomLocal(OPTIONS, 6, 8);
    const broken = state.map((value, at) => (at === 2 ? Number.NaN : value));
    expect(learn(fedavg(), model, { train: ratings }, ratings, random(1), broken).loss).toBeNaN();
    expect(scoresOf(fedavg(), model, { train: ratings }, ratings.items, broken).every(Number.isNaN)).toBe(true);
  });
});
