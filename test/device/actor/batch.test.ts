import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deviceId } from '../../../src/base/units.js';
import { type BatchOptions, batchOf, withDecoys } from '../../../src/device/actor/batch.js';
import { chiSquare, chiSquareLimit } from '../../support/statistics/chi-square.js';

const ratings = (count: number) => ({
  items: Uint32Array.from({ length: count }, (_, i) => 3 * i + 1),
  values: Float32Array.from({ length: count }, (_, i) => 1 + i / 8),
});
const options = (changes: Partial<BatchOptions> = {}): BatchOptions => ({ seed: 1, ratings: 2, decoys: 4, items: 50, ...changes });
const device = deviceId(3);

describe('a batch', () => {
  it('is distinct ratings of the device, each with its own value, in the order she gave them', () => {
    fc.assert(
      fc.property(fc.nat(30), fc.integer({ min: 1, max: 30 }), fc.nat(), fc.nat(), (count, size, seed, round) => {
        const train = ratings(count);
        const batch = batchOf(train, options({ seed, ratings: size }), round, device);
        expect(batch.items).toHaveLength(Math.min(size, count));
        batch.items.forEach((item, i) => {
          expect(batch.values[i]).toBe(train.values[train.items.indexOf(item)]);
          if (i > 0) expect(item).toBeGreaterThan(batch.items[i - 1]!);
        });
      }),
    );
  });

  it('is all ratings when all are asked for, or more than there are', () => {
    const train = ratings(5);
    expect(batchOf(train, options({ ratings: 'all' }), 1, device)).toBe(train);
    expect(batchOf(train, options({ ratings: 5 }), 1, device)).toBe(train);
    expect(batchOf(ratings(0), options(), 1, device).items).toHaveLength(0);
  });

  it('depends on seed, round and device, and on nothing else', () => {
    const train = ratings(200);
    const chosen = (seed: number, round: number, of: number, decoys = 4) =>
      batchOf(train, options({ seed, ratings: 20, decoys }), round, deviceId(of)).items.join();
    expect(chosen(1, 1, 1)).toBe(chosen(1, 1, 1, 9));
    expect(new Set([chosen(1, 1, 1), chosen(2, 1, 1), chosen(1, 2, 1), chosen(1, 1, 2), chosen(1, 2, 2)]).size).toBe(5);
  });

  it('takes every rating equally often', () => {
    const train = ratings(12);
    const counts = new Uint32Array(12);
    const rounds = 6000;
    for (let round = 1; round <= rounds; round++)
      for (const item of batchOf(train, options({ ratings: 3 }), round, device).items) counts[(item - 1) / 3]!++;
    // Drawn without replacement, cells spread less than Poisson's: the limit is on the safe side, the scale makes it exact.
    const expected = (rounds * 3) / 12;
    expect(chiSquare(counts, () => expected) / (1 - 3 / 12)).toBeLessThan(chiSquareLimit(11));
  });
});

describe('decoys', () => {
  const rows = (
    items: readonly number[],
    changes: Partial<BatchOptions> = {},
    round = 1,
    of = 3,
    purpose: 'train' | 'evaluate' = 'train',
  ) => withDecoys(items, options(changes), purpose, round, deviceId(of));

  it('are as many as asked for, beside all the real items, ascending', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(49), { maxLength: 50 }), fc.nat(60), fc.nat(), (items, decoys, seed) => {
        const found = rows(items, { decoys, seed });
        expect(found).toHaveLength(Math.min(50, items.length + decoys));
        expect(found.every((row, i) => row < 50 && (i === 0 || row > found[i - 1]!))).toBe(true);
        for (const item of items) expect(found).toContain(item);
      }),
    );
  });

  it('are not fewer because an item was rated twice', () => {
    expect(rows([7, 7, 7, 9], { decoys: 4 })).toHaveLength(6);
  });

  it('depend on seed, purpose, round and device, not on the order of the items', () => {
    const all = [rows([1]), rows([1], { seed: 2 }), rows([1], {}, 2), rows([1], {}, 1, 4), rows([1], {}, 1, 3, 'evaluate')];
    expect(new Set(all.map(String)).size).toBe(all.length);
    expect(rows([9, 1, 5])).toEqual(rows([5, 9, 1]));
  });

  it('of a measurement tell nothing about those of training in the same round', () => {
    // Decoys asked for twice would stand out from the items: few may be common, as many as chance makes.
    let common = 0;
    for (let round = 1; round <= 200; round++) {
      const trained = new Set(rows([], { decoys: 5 }, round));
      common += rows([], { decoys: 5 }, round, 3, 'evaluate').filter((row) => trained.has(row)).length;
    }
    expect(common / 200).toBeLessThan(1); // 5 · 5 / 50 = 0.5 by chance, 5 if they were the same
  });

  it('fall on all other items equally often', () => {
    const counts = new Uint32Array(50);
    const rounds = 5000;
    for (let round = 1; round <= rounds; round++) for (const row of rows([0, 20], { decoys: 6 }, round)) counts[row]!++;
    expect([counts[0], counts[20]]).toEqual([rounds, rounds]);
    const others = counts.filter((_, item) => item !== 0 && item !== 20);
    expect(chiSquare(others, () => (rounds * 6) / 48) / (1 - 6 / 48)).toBeLessThan(chiSquareLimit(47));
  });
});
