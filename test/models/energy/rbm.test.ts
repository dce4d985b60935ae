import { describe, expect, it } from 'vitest';
import { ratingLevels } from '../../../src/models/energy/rating-levels.js';
import { rbmI, rbmU } from '../../../src/models/energy/rbm.js';
import {
  createSmall,
  denseRatings,
  expectSameAfterResume,
  expectSameAsReference,
  type SmallModel,
  scoresOf,
  smallRatings,
} from '../../support/models/small-model.js';
import { expectClose } from '../../support/tensors/closeness.js';

const kinds = [
  ['users', rbmU, (ratings: number[][]) => ratings],
  ['items', rbmI, (ratings: number[][]) => ratings[0]!.map((_, item) => ratings.map((row) => row[item]!))],
] as const;
const F = 8;
const K = 5;
const ONE_STEP = { hidden: F, batch: 50, rate: 0.01, decay: 0, steps: 1 };
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softmax = (logits: readonly number[]): number[] => {
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
  return logits.map((logit) => Math.exp(logit) / total);
};

/** Weights larger than those of the first epoch, so that errors show. */
const enlarge = ({ tensors }: SmallModel): void => {
  tensors['weights']!.values.forEach((value, at, values) => (values[at] = 30 * value));
  tensors['hiddenBias']!.values.forEach((_, at, values) => (values[at] = (at % 3) - 1));
};

/** The machine by loops over cells (column, level) of dense rows, in float64. */
const naive = ({ tensors }: SmallModel, rows: number[][]) => {
  const [W, b, c] = ['weights', 'bias', 'hiddenBias'].map((name) => Float64Array.from(tensors[name]!.values)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const cells = rows.map((row) => row.flatMap((value, column) => (value === 0 ? [] : [{ column, level: value - 1 }])));
  const at = (column: number, k: number, j: number): number => (column * K + k) * F + j;
  type Visible = readonly { readonly column: number; readonly chances: readonly number[] }[];
  const hiddenOf = (visible: Visible): number[] =>
    Array.from(c, (start, j) =>
      sigmoid(visible.reduce((sum, { column, chances }) => chances.reduce((s, p, k) => s + p * W[at(column, k, j)]!, sum), start)),
    );
  const visibleOf = (row: number, hidden: readonly number[]): Visible =>
    cells[row]!.map(({ column }) => ({ column, chances: unit(column, hidden) }));
  const unit = (column: number, hidden: readonly number[]): number[] =>
    softmax(Array.from({ length: K }, (_, k) => hidden.reduce((sum, h, j) => sum + h * W[at(column, k, j)]!, b[column * K + k]!)));
  const data = cells.map((row) =>
    row.map(({ column, level }) => ({ column, chances: Array.from({ length: K }, (_, k) => (k === level ? 1 : 0)) })),
  );
  return { W, b, c, at, hiddenOf, visibleOf, unit, data };
};

describe.each(kinds)('an RBM of %s', (_, definition, rowsOf) => {
  it.each([1, 3])('steps along contrastive divergence of %i Gibbs steps, as loops over its cells have it', async (steps) => {
    const small = await createSmall(definition, { ...ONE_STEP, steps });
    enlarge(small);
    const rows = rowsOf(denseRatings(smallRatings()));
    const { W, b, c, at, hiddenOf, visibleOf, data } = naive(small, rows);
    const epoch = small.epoch(1);
    const order = epoch.order('rows', rows.length);
    const source = epoch.random('hidden');
    const draw = (chances: readonly number[][]): number[][] => chances.map((row) => row.map((p) => (source.uniform() < p ? 1 : 0)));
    const first = Array.from(order, (row) => hiddenOf(data[row]!));
    let [hidden, visible] = [first, [] as ReturnType<typeof visibleOf>[]];
    for (let step = 0; step < steps; step++) {
      const drawn = draw(hidden);
      visible = Array.from(order, (row, slot) => visibleOf(row, drawn[slot]!));
      hidden = visible.map(hiddenOf);
    }
    const slopes = { weights: new Float64Array(W.length), bias: new Float64Array(b.length), hiddenBias: new Float64Array(c.length) };
    const add = (sign: number, of: (typeof visible)[number], h: readonly number[]): void => {
      for (const { column, chances } of of)
        chances.forEach((p, k) => {
          slopes.bias[column * K + k]! += sign * p;
          for (let j = 0; j < F; j++) slopes.weights[at(column, k, j)]! += sign * p * h[j]!;
        });
      for (let j = 0; j < F; j++) slopes.hiddenBias[j]! += sign * h[j]!;
    };
    order.forEach((row, slot) => {
      add(-1, data[row]!, first[slot]!);
      add(1, visible[slot]!, hidden[slot]!);
    });
    await small.train(1);
    for (const [name, expected] of Object.entries(slopes)) {
      const found = small.tensors[name]!.state[0]!.values.map((moment) => moment / (1 - 0.9));
      expectClose(found, Float32Array.from(expected), 1e-4, name);
    }
  });

  it('adds λ to the gradient of the weights, and to no bias', async () => {
    const [plain, regularized] = [await createSmall(definition, ONE_STEP), await createSmall(definition, { ...ONE_STEP, decay: 3 })];
    const before = regularized.tensors['weights']!.values.slice();
    await plain.train(1);
    await regularized.train(1);
    const momentOf = ({ tensors }: SmallModel, name: string): Float32Array => tensors[name]!.state[0]!.values;
    momentOf(regularized, 'weights').forEach((moment, at) =>
      expect(moment).toBeCloseTo(momentOf(plain, 'weights')[at]! + 0.1 * 3 * before[at]!, 5),
    );
    for (const name of ['bias', 'hiddenBias']) expect(momentOf(regularized, name)).toEqual(momentOf(plain, name));
  });

  it('predicts the mean rating after one mean-field pass over the training row', async () => {
    const small = await createSmall(definition, ONE_STEP);
    await small.train(2);
    enlarge(small);
    const rows = rowsOf(denseRatings(smallRatings()));
    const { hiddenOf, unit, data } = naive(small, rows);
    for (const user of [0, 3, 6]) {
      const scores = await scoresOf(small, user, [8, 4, 0]);
      [8, 4, 0].forEach((item, at) => {
        const [row, column] = definition === rbmI ? [item, user] : [user, item];
        const mean = unit(column, hiddenOf(data[row]!)).reduce((sum, p, k) => sum + p * (k + 1), 0);
        expect(scores[at]).toBeCloseTo(mean, 4);
      });
    }
  });

  it('has the same bits after a resume, in batches that do not divide the rows', () =>
    expectSameAfterResume(definition, { ...ONE_STEP, batch: 4 }));

  it('trains alike on both implementations of the kernels', () => expectSameAsReference(definition, { ...ONE_STEP, batch: 3 }));
});

const shared = (values: readonly number[]): Float32Array<SharedArrayBuffer> => {
  const all = new Float32Array(new SharedArrayBuffer(4 * values.length));
  all.set(values);
  return all;
};

describe('the levels of ratings', () => {
  const levels = (values: number[]) => ratingLevels({ lowest: 1, highest: 5, train: { ...smallRatings(), values: shared(values) } });

  it('are the distinct ratings, and a value belongs to the nearest', () => {
    const { values, levelOf } = levels([4, 1, 2.5, 4]);
    expect([...values]).toEqual([1, 2.5, 4]);
    expect([0, 1.7, 1.8, 4, 9].map(levelOf)).toEqual([0, 0, 1, 2, 2]);
  });

  it('are ten bins of the scale where ratings have too many values', () => {
    const { values } = levels(Array.from({ length: 40 }, (_, at) => 1 + at / 10));
    expect([...values].map((value) => Math.round(10 * value) / 10)).toEqual([1.2, 1.6, 2, 2.4, 2.8, 3.2, 3.6, 4, 4.4, 4.8]);
  });

  it('are one where nobody has rated', () => expect([...levels([]).values]).toEqual([3]));
});
