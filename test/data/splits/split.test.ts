import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partSizes, splitUser } from '../../../src/data/splits/split.js';

describe('the random split', () => {
  it('gives each user int(.8n), int(.9n)−int(.8n) and the rest, at least one rating in train', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), (count) => {
        const [train, valid, test] = partSizes(count);
        expect(train + valid + test).toBe(count);
        expect(train).toBe(Math.max(1, Math.floor(0.8 * count)));
        if (count > 1) expect(valid).toBe(Math.floor(0.9 * count) - train);
        expect(Math.min(valid, test)).toBeGreaterThanOrEqual(0);
      }),
    );
    expect([0, 1, 2, 5, 10].map(partSizes)).toEqual([
      [0, 0, 0],
      [1, 0, 0],
      [1, 0, 1],
      [4, 0, 1],
      [8, 1, 1],
    ]);
  });

  it('depends on seed, user and count alone', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat({ max: 200 }), (seed, user, count) => {
        const first = splitUser(seed, user, new Uint8Array(count));
        splitUser(seed, user + 1, new Uint8Array(50));
        expect(splitUser(seed, user, new Uint8Array(count).fill(7))).toEqual(first);
        const [train, valid] = partSizes(count);
        expect(first.filter((part) => part === 0)).toHaveLength(train);
        expect(first.filter((part) => part === 1)).toHaveLength(valid);
      }),
    );
  });

  it('differs between users and between seeds', () => {
    const of = (seed: number, user: number) => splitUser(seed, user, new Uint8Array(100)).join('');
    expect(new Set([of(1, 1), of(1, 2), of(2, 1), of(2, 2)]).size).toBe(4);
  });

  it('puts every place of a user’s list into test about as often', () => {
    const times = new Array<number>(10).fill(0);
    for (let user = 0; user < 20_000; user++) times[splitUser(3, user, new Uint8Array(10)).indexOf(2)]!++;
    for (const count of times) expect(Math.abs(count - 2000)).toBeLessThan(5 * Math.sqrt(2000));
  });
});
