import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBetter } from '../../src/metrics/metric.js';
import { createMetricSet, type MetricSet } from '../../src/metrics/metric-set.js';
import { metricOf } from '../../src/metrics/registry.js';

type User = { readonly scores: Float32Array; readonly values: Float32Array; readonly relevant: Uint8Array };

const user: fc.Arbitrary<User> = fc
  .array(fc.record({ score: fc.float({ min: -6, max: 6 }), value: fc.float({ min: 1, max: 5, noNaN: true }), hit: fc.boolean() }))
  .map((entries) => ({
    scores: Float32Array.from(entries, ({ score }) => score),
    values: Float32Array.from(entries, ({ value }) => value),
    relevant: Uint8Array.from(entries, ({ hit }) => Number(hit)),
  }));

const NAMES = ['ndcg@3', 'mae', 'auc', 'rmse', 'hr@1', 'mse'];

const addTo = (set: MetricSet, sums: Float64Array, { scores, values, relevant }: User): Float64Array => {
  set.add(sums, scores, { task: 'rating', values });
  set.add(sums, scores, { task: 'ranking', relevant });
  return sums;
};

describe('a set of metrics', () => {
  it('has, merged device after device, the bits of all users measured together', () => {
    const set = createMetricSet(NAMES);
    fc.assert(
      fc.property(fc.array(user), (users) => {
        const together = new Float64Array(set.size);
        const merged = new Float64Array(set.size);
        for (const each of users) {
          addTo(set, together, each);
          set.merge(merged, addTo(set, new Float64Array(set.size), each));
        }
        expect(merged).toEqual(together);
        expect(set.values(merged)).toEqual(set.values(together));
      }),
      { seed: 16 },
    );
  });

  it('keeps the order of its names and gives each metric the value it has alone', () => {
    const set = createMetricSet(NAMES);
    fc.assert(
      fc.property(user, (each) => {
        const values = set.values(addTo(set, new Float64Array(set.size), each));
        expect(Object.keys(values)).toEqual(NAMES);
        for (const name of NAMES) {
          const alone = createMetricSet([name]);
          expect(alone.values(addTo(alone, new Float64Array(alone.size), each))).toEqual({ [name]: values[name] });
        }
      }),
      { seed: 16 },
    );
  });

  it('has null for everything that was not measured', () => {
    const set = createMetricSet(NAMES);
    const sums = new Float64Array(set.size);
    const nothing = Object.fromEntries(NAMES.map((name) => [name, null]));
    expect(set.values(sums)).toEqual(nothing);
    addTo(set, sums, { scores: new Float32Array(), values: new Float32Array(), relevant: new Uint8Array() });
    expect(set.values(sums)).toEqual(nothing);
    set.add(sums, Float32Array.of(4), { task: 'rating', values: Float32Array.of(4) });
    expect(set.values(sums)).toEqual({ ...nothing, mae: 0, mse: 0, rmse: 0 });
  });

  it('says which scores it needs', () => {
    expect(createMetricSet(['mae', 'mse'])).toMatchObject({ needsRating: true, needsRanking: false, size: 4 });
    expect(createMetricSet(['mrr'])).toMatchObject({ needsRating: false, needsRanking: true, size: 2 });
    expect(createMetricSet(NAMES)).toMatchObject({ needsRating: true, needsRanking: true, size: 12 });
    expect(createMetricSet(NAMES).metrics.map(({ name }) => name)).toEqual(NAMES);
  });

  it('refuses a metric that is named twice', () => {
    expect(() => createMetricSet(['mae', 'mse', 'mae'], 'key metrics')).toThrow('key metrics: expected each metric once, found mae twice');
  });

  it('refuses scores, or sums, of another length than what they belong to', () => {
    const set = createMetricSet(NAMES);
    const sums = new Float64Array(set.size);
    const scores = new Float32Array(2);
    expect(() => set.add(sums, scores, { task: 'rating', values: new Float32Array(3) })).toThrow('expected 3 scores, found 2');
    expect(() => set.add(sums, scores, { task: 'ranking', relevant: new Uint8Array(1) })).toThrow('expected 1 scores, found 2');
    expect(() => set.merge(sums, new Float64Array(set.size + 1))).toThrow(`expected ${set.size} sums, found ${set.size + 1}`);
    expect(sums).toEqual(new Float64Array(set.size));
  });
});

describe('rating metrics', () => {
  const set = createMetricSet(['mae', 'mse', 'rmse']);

  it('are MAE, MSE and its root over all ratings, however many a user has', () => {
    const sums = new Float64Array(set.size);
    set.add(sums, Float32Array.of(3, 4, 1), { task: 'rating', values: Float32Array.of(1, 4, 2) });
    set.add(sums, Float32Array.of(5), { task: 'rating', values: Float32Array.of(2) });
    expect(set.values(sums)).toEqual({ mae: 6 / 4, mse: 14 / 4, rmse: Math.sqrt(14 / 4) });
  });

  it('sum float64 errors of one user in order, before they join those of others', () => {
    const users = [
      [0.1, 1.7, 3.3],
      [2.9, 0.3, 4.1],
    ].map((scores) => Float32Array.from(scores));
    const sums = new Float64Array(set.size);
    for (const scores of users) set.add(sums, scores, { task: 'rating', values: Float32Array.of(3, 1, 2) });
    const errors = users.map(([a, b, c]) => [a! - 3, b! - 1, c! - 2] as const);
    const [squared, absolute] = [errors.map(([a, b, c]) => a * a + b * b + c * c), errors.map((each) => each.map(Math.abs))];
    expect(set.values(sums)).toEqual({
      mae: (absolute[0]![0]! + absolute[0]![1]! + absolute[0]![2]! + (absolute[1]![0]! + absolute[1]![1]! + absolute[1]![2]!)) / 6,
      mse: (squared[0]! + squared[1]!) / 6,
      rmse: Math.sqrt((squared[0]! + squared[1]!) / 6),
    });
  });

  it('are NaN, not null, if a prediction is', () => {
    const sums = new Float64Array(set.size);
    set.add(sums, Float32Array.of(Number.NaN, 1), { task: 'rating', values: Float32Array.of(1, 1) });
    expect(set.values(sums)).toEqual({ mae: Number.NaN, mse: Number.NaN, rmse: Number.NaN });
  });
});

describe('the registry', () => {
  it.each(['mae', 'mse', 'rmse', 'mrr', 'auc', 'hr@1', 'ndcg@10', 'recall@20', 'precision@1000'])('knows %s by its name', (name) => {
    const metric = metricOf(name);
    expect(metric.name).toBe(name);
    expect([metric.task, metric.better]).toEqual(/^(mae|mse|rmse)$/.test(name) ? ['rating', 'lower'] : ['ranking', 'higher']);
  });

  it.each(['', 'map', 'NDCG@10', 'ndcg', 'ndcg@', 'ndcg@0', 'ndcg@x', 'ndcg@-1', 'ndcg@1.5', 'ndcg@010', 'ndcg@1e1', 'ndcg@10 ', 'mae@3'])(
    'refuses "%s" and names those that exist',
    (name) => {
      expect(() => metricOf(name, 'key stopOn')).toThrow(
        expect.objectContaining({
          code: 'CONFIG',
          message: `key stopOn: expected one of mae, mse, rmse, mrr, auc, hr@k, ndcg@k, recall@k, precision@k, with a whole k of at least 1 as in ndcg@10, found ${name}`,
        }),
      );
    },
  );

  it.each(['constructor', '__proto__', 'toString@1', `hr@${'9'.repeat(20)}`])('knows no metric %s', (name) => {
    expect(() => createMetricSet([name])).toThrow(/^metrics: expected one of mae/);
  });
});

describe('a better value', () => {
  it('is lower for errors and higher for rankings, strictly', () => {
    const [mse, auc] = [metricOf('mse'), metricOf('auc')];
    expect([isBetter(mse, 1, 2), isBetter(mse, 2, 1), isBetter(mse, 1, 1)]).toEqual([true, false, false]);
    expect([isBetter(auc, 1, 2), isBetter(auc, 2, 1), isBetter(auc, 1, 1)]).toEqual([false, true, false]);
  });

  it.each(['mse', 'auc'])('of %s is any number against null or NaN, and never null or NaN', (name) => {
    const metric = metricOf(name);
    for (const nothing of [null, Number.NaN]) {
      for (const number of [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        expect(isBetter(metric, number, nothing)).toBe(true);
        expect(isBetter(metric, nothing, number)).toBe(false);
      }
      for (const other of [null, Number.NaN]) expect(isBetter(metric, nothing, other)).toBe(false);
    }
  });
});
