import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../../src/data/load.js';
import { ridgeOnWords } from '../../../src/studies/cold/attributes.js';
import { measureOpponents } from '../../../src/studies/cold/opponents.js';
import { itemPool, measureCold, type Scorer, warmRecords } from '../../../src/studies/cold/protocol.js';

const load = (coldItems: number) =>
  loadDataset('synthetic:users=150,items=120,ratings=9000', {
    split: 'cold-users',
    splitting: { records: 8, support: 4, coldItems },
    seed: 3,
    feedback: 'implicit',
  });
type Loaded = Awaited<ReturnType<typeof load>>;

const constant: Scorer = (_user, _support, _candidates, out) => {
  out.fill(1);
};
/** Scores of the query set of the part `test`, and of all others. */
const knowing =
  ({ parts: { test } }: Loaded, wanted: number, other: number): Scorer =>
  (user, _support, candidates, out) => {
    const query = new Set(test.items.subarray(test.offsets[user]!, test.offsets[user + 1]!));
    candidates.forEach((item, i) => {
      out[i] = query.has(item) ? wanted : other;
    });
  };

describe.each([
  ['C-W', 0],
  ['C-C', 0.3],
] as const)('the evaluation of %s', (_setting, coldItems) => {
  it('gives a constant the expected recall of a random order', async () => {
    const dataset = await load(coldItems);
    const { users, metrics } = measureCold(dataset, 'test', constant);
    expect(users).toBeGreaterThan(5);
    for (const k of [5, 10, 20]) expect(metrics[`recall@${k}`]!.mean).toBeCloseTo(k / (itemPool(dataset).length - 4), 12);
  });

  it('gives an oracle 1, and what it knows backwards or as NaN 0', async () => {
    const dataset = await load(coldItems);
    const oracle = measureCold(dataset, 'test', knowing(dataset, 1, 0)).metrics;
    for (const name of ['ndcg@5', 'ndcg@10', 'recall@5', 'recall@20', 'hr@5']) expect(oracle[name]).toEqual({ mean: 1, error: 0 });
    for (const wanted of [-1, Number.NaN])
      expect(measureCold(dataset, 'test', knowing(dataset, wanted, 0)).metrics['recall@10']!.mean).toBe(0);
  });

  it('learns from warm users alone', async () => {
    const dataset = await load(coldItems);
    const warm = dataset.roles!.users.filter((role) => role === 0).length;
    const { offsets, items } = warmRecords(dataset);
    expect([offsets.length, items.length]).toEqual([warm + 1, 8 * warm]);
    const pool = new Set(itemPool(dataset));
    expect(items.some((item) => pool.has(item))).toBe(coldItems === 0);
  });
});

it('ranks cold items by chance for systems that know items by their ids, and not warm ones', async () => {
  const [cold, warm] = [await load(0.3), await load(0)];
  const chance = measureCold(cold, 'test', constant);
  for (const name of ['popularity', 'item-kNN', 'EASE'])
    expect((await measureOpponents(cold, 1)).find((row) => row.name === name)!.test).toEqual(chance);
  const atRandom = measureCold(warm, 'test', constant);
  for (const name of ['popularity', 'item-kNN', 'EASE'])
    expect((await measureOpponents(warm, 1)).find((row) => row.name === name)!.test).not.toEqual(atRandom);
});

it('gives the standard error over users: deviation / √users', async () => {
  const dataset = await load(0);
  let turn = 0;
  // Every second user gets an oracle, so that recall is 1 or 0.
  const half: Scorer = (user, support, candidates, out) => knowing(dataset, turn++ % 2 === 0 ? 1 : -1, 0)(user, support, candidates, out);
  const { users, metrics } = measureCold(dataset, 'test', half);
  const { mean, error } = metrics['recall@10']!;
  expect(mean).toBe(Math.ceil(users / 2) / users);
  expect(error).toBeCloseTo(Math.sqrt((mean! * (1 - mean!)) / (users - 1)), 12);
});

it('solves ridge regression: the gradient of its objective is zero', () => {
  const matrix = { count: 3, offsets: Uint32Array.of(0, 2, 3, 5, 6), words: Uint32Array.of(0, 1, 1, 1, 2, 0) };
  const target = Float64Array.of(3, 1, 2, 99);
  const chosen = Uint32Array.of(0, 1, 2);
  const predicted = ridgeOnWords(matrix, chosen, target, 0.5);
  // Words of item 3: {0}; item 1: {1}. Item 0 is their sum, without a second mean.
  expect(predicted[0]! - 2).toBeCloseTo(predicted[3]! - 2 + (predicted[1]! - 2), 10);
  const weights = [predicted[3]! - 2, predicted[1]! - 2, predicted[2]! - predicted[1]!];
  const rows = [[0, 1], [1], [1, 2]];
  for (let word = 0; word < 3; word++) {
    const pull = rows.reduce((sum, words, item) => sum + (words.includes(word) ? target[item]! - predicted[item]! : 0), 0);
    expect(pull).toBeCloseTo(0.5 * weights[word]!, 8);
  }
});
