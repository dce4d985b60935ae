import { describe, expect, it } from 'vitest';
import { random } from '../../../src/base/random.js';
import { smallFacts } from '../../../src/conformance/small-ratings.js';
import { ease } from '../../../src/models/linear/ease.js';
import { invertSmall, sweepAll } from '../../../src/models/linear/invert.js';
import { itemKnn } from '../../../src/models/linear/item-knn.js';
import { popularity } from '../../../src/models/linear/popularity.js';
import type { Facts, ModelDefinition } from '../../../src/models/port/definition.js';
import { createEngine } from '../../../src/models/port/engine.js';

const engineOf = ({ items, train }: Pick<Facts, 'items' | 'train'>) => createEngine({ seed: 1, threads: 1, epochs: 1, items, train });

const fitted = async (definition: ModelDefinition, facts: Facts, options: object) => {
  const model = await definition.create(facts, definition.options.parse(options), engineOf(facts));
  await model.fit!();
  return model.tensors[0]!.values;
};

/** The 0/1 matrix of interactions, (m, n). */
const interactions = ({ users, items, train: { offsets, items: rated } }: Facts): number[][] =>
  Array.from({ length: users }, (_, user) => {
    const row = new Array<number>(items).fill(0);
    for (const item of rated.subarray(offsets[user]!, offsets[user + 1]!)) row[item] = 1;
    return row;
  });

const gramOf = (X: readonly (readonly number[])[], n: number): Float64Array =>
  Float64Array.from({ length: n * n }, (_, at) => X.reduce((sum, row) => sum + row[Math.floor(at / n)]! * row[at % n]!, 0));

describe('the inverse by blocks', () => {
  it.each([1, 5, 63, 64, 65, 150])('of %i rows is that of float64 to 1e-4, with its sign turned', (n) => {
    const source = random(n, 'matrix');
    const half = Float64Array.from({ length: n * n }, () => source.normal());
    const matrix = Float64Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      let sum = i === j ? n : 0;
      for (let e = 0; e < n; e++) sum += half[i * n + e]! * half[j * n + e]!;
      return sum;
    });
    const engine = engineOf(smallFacts());
    const pointer = engine.allocate(n * n);
    engine.arena.f32(pointer, n * n).set(matrix);
    sweepAll(engine, pointer, n);
    const expected = invertSmall(matrix, n);
    engine.arena.f32(pointer, n * n).forEach((value, at) => expect(Math.abs(value + expected[at]!)).toBeLessThan(1e-4 / n));
  });

  it('refuses a matrix that is not positive definite', () => {
    expect(() => invertSmall(Float64Array.of(1, 2, 2, 1), 2)).toThrow('expected a positive definite matrix, found the pivot -3');
  });
});

describe('EASE', () => {
  it('equals its closed form, computed naively in float64, to 1e-4', async () => {
    const facts = smallFacts(40, 70);
    const n = facts.items;
    const G = gramOf(interactions(facts), n);
    for (let i = 0; i < n; i++) G[i * n + i]! += 2;
    const P = invertSmall(G, n);
    const B = await fitted(ease, facts, { lambda: 2 });
    B.forEach((value, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      expect(Math.abs(value - (i === j ? 0 : -P[at]! / P[j * n + j]!))).toBeLessThan(1e-4);
    });
  });
});

describe('item neighbours', () => {
  it('keep the most similar items of each item, by the cosine with a shrunk denominator', async () => {
    const facts = smallFacts(20, 9);
    const n = facts.items;
    const G = gramOf(interactions(facts), n);
    const B = await fitted(itemKnn, facts, { neighbours: 3, shrink: 1 });
    for (let item = 0; item < n; item++) {
      const similarity = (other: number): number => G[item * n + other]! / (Math.sqrt(G[item * n + item]! * G[other * n + other]!) + 1);
      const known = Array.from({ length: n }, (_, other) => other).filter((other) => other !== item && similarity(other) > 0);
      const kept = known.sort((a, b) => similarity(b) - similarity(a) || a - b).slice(0, 3);
      for (let other = 0; other < n; other++) expect(B[other * n + item]).toBeCloseTo(kept.includes(other) ? similarity(other) : 0, 6);
    }
  });
});

it('popularity counts training ratings', async () => {
  const facts = smallFacts();
  const counts = await fitted(popularity, facts, {});
  expect([...counts]).toEqual(Array.from({ length: facts.items }, (_, item) => facts.train.items.filter((other) => other === item).length));
});
