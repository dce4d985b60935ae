import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distinct, type Key, type Random, random, shuffle } from '../../src/base/random.js';
import { chiSquare, chiSquareLimit } from '../support/statistics/chi-square.js';

const draw = (source: Random, count: number): number[] => Array.from({ length: count }, () => source.uniform());

const key: fc.Arbitrary<Key> = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.string({ maxLength: 12 }));
const keys = fc.array(key, { maxLength: 4 });

describe('a keyed stream', () => {
  it('is the same for equal keys, whatever else draws meanwhile', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), keys, (seed, path) => {
        const alone = draw(random(seed, ...path), 8);
        const source = random(seed, ...path);
        const other = random(seed, ...path, 'other');
        const beside = Array.from({ length: 8 }, () => {
          other.normal();
          return source.uniform();
        });
        expect(beside).toEqual(alone);
      }),
    );
  });

  it('is another for another seed, key, number of keys, or order of keys', () => {
    const path = fc.tuple(fc.maxSafeNat(), fc.array(key, { maxLength: 3 }));
    fc.assert(
      fc.property(path, path, ([seed, first], [otherSeed, second]) => {
        fc.pre(JSON.stringify([seed, first]) !== JSON.stringify([otherSeed, second]));
        expect(draw(random(seed, ...first), 4)).not.toEqual(draw(random(otherSeed, ...second), 4));
      }),
      { seed: 1 },
    );
    const related = [
      random(1, 'a', 'b'),
      random(1, 'b', 'a'),
      random(1, 'ab'),
      random(1, 'ab', ''),
      random(1, '', 'ab'),
      random(1, 1, 2),
      random(1, 2, 1),
      random(1, '1', '2'),
      random(1, 1),
      random(1),
      random(2, 1),
      random(1 + 2 ** 32, 1),
      random(1, 1 + 2 ** 32),
    ];
    expect(new Set(related.map((source) => draw(source, 2).join()))).toHaveProperty('size', related.length);
  });

  it('has nothing in common with the streams of neighbouring rounds and devices', () => {
    const size = 60;
    const first = Array.from({ length: size * size }, (_, i) => random(1, 'batch', i % size, Math.floor(i / size)).uniform() - 0.5);
    const correlation = (lag: number): number =>
      first.slice(lag).reduce((sum, value, i) => sum + value * first[i]!, 0) / (size * size) / (1 / 12);
    for (const lag of [1, size, size + 1]) expect(Math.abs(correlation(lag)), `lag ${lag}`).toBeLessThan(4 / size);
  });
});

describe('draws', () => {
  const COUNT = 500_000;

  it('are uniform in [0, 1)', () => {
    const cells = new Uint32Array(256);
    const source = random(7, 'uniform');
    let sum = 0;
    for (let i = 0; i < COUNT; i++) {
      const value = source.uniform();
      if (!(value >= 0 && value < 1)) expect.fail(`${value} is not in [0, 1)`);
      cells[Math.floor(value * 256)]!++;
      sum += value;
    }
    expect(Math.abs(sum / COUNT - 0.5)).toBeLessThan(4 / Math.sqrt(12 * COUNT));
    expect(chiSquare(cells, () => COUNT / 256)).toBeLessThan(chiSquareLimit(255));
  });

  it('are standard normal: moments and independence of the two halves of a Box–Muller pair', () => {
    const source = random(7, 'normal');
    const values = Float64Array.from({ length: COUNT }, () => source.normal());
    const moment = (power: number): number => values.reduce((sum, value) => sum + value ** power, 0) / COUNT;
    // Standard errors of the sample moments of N(0, 1): 1, √2, √15, √96 over √count.
    expect(Math.abs(moment(1))).toBeLessThan(3 / Math.sqrt(COUNT));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(3 * Math.sqrt(2 / COUNT));
    expect(Math.abs(moment(3))).toBeLessThan(3 * Math.sqrt(15 / COUNT));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(3 * Math.sqrt(96 / COUNT));
    let covariance = 0;
    for (let i = 0; i < COUNT; i += 2) covariance += values[i]! * values[i + 1]!;
    expect(Math.abs(covariance / (COUNT / 2))).toBeLessThan(3 / Math.sqrt(COUNT / 2));
    expect(values.every(Number.isFinite)).toBe(true);
  });

  it('of integers are uniform below the bound', () => {
    const cells = new Uint32Array(13);
    const source = random(7, 'integer');
    for (let i = 0; i < COUNT; i++) cells[source.integer(13)]!++;
    expect(cells.reduce((sum, each) => sum + each)).toBe(COUNT);
    expect(chiSquare(cells, () => COUNT / 13)).toBeLessThan(chiSquareLimit(12));
    expect(random(1).integer(1)).toBe(0);
  });
});

describe('shuffle', () => {
  it('permutes in place', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 40 }), fc.nat(), (values, seed) => {
        const shuffled = values.slice();
        expect(shuffle(shuffled, random(seed))).toBe(shuffled);
        expect(shuffled.slice().sort((a, b) => a - b)).toEqual(values.slice().sort((a, b) => a - b));
      }),
    );
  });

  it('gives every order equally often', () => {
    const counts = new Map<string, number>();
    const tries = 24_000;
    for (let i = 0; i < tries; i++) {
      const order = shuffle([0, 1, 2, 3], random(3, i)).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(chiSquare([...counts.values()], () => tries / 24)).toBeLessThan(chiSquareLimit(23));
  });
});

describe('distinct', () => {
  it('gives as many different numbers below the bound as asked for, or all of them', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.nat(50), fc.nat(), (count, bound, seed) => {
        const chosen = distinct(count, bound, random(seed));
        expect(chosen).toHaveLength(Math.min(count, bound));
        expect(new Set(chosen).size).toBe(chosen.length);
        expect(chosen.every((value) => value < bound)).toBe(true);
      }),
    );
  });

  it('is uniform over subsets and over their orders', () => {
    // 7 · 6 · 5 = 210 ordered draws of 3 of 7.
    const counts = new Map<string, number>();
    const tries = 42_000;
    for (let i = 0; i < tries; i++) {
      const chosen = distinct(3, 7, random(5, i)).join();
      counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
    }
    expect(counts.size).toBe(210);
    expect(chiSquare([...counts.values()], () => tries / 210)).toBeLessThan(chiSquareLimit(209));
  });
});
