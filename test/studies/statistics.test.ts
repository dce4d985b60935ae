import { describe, expect, it } from 'vitest';
import { pairedTTest, spreadOf } from '../../src/studies/statistics.js';

describe('the paired t-test', () => {
  it('gives the p of the t tables', () => {
    // Two pairs of values whose differences have t = 12.706 with 1 degree of freedom: p = .05 (t table, two-sided).
    const delta = 1 / 12.7062047364;
    expect(pairedTTest([1 + delta, 1 - delta], [0, 0])).toMatchObject({ pairs: 2, difference: 1 });
    expect(pairedTTest([1 + delta, 1 - delta], [0, 0]).p).toBeCloseTo(0.05, 6);
    // 4 degrees of freedom: t = 4.604095, p = .01.
    const spread = [-2, -1, 0, 1, 2].map((step) => 1 + (step * Math.sqrt(2)) / 4.604094871);
    expect(pairedTTest(spread, [0, 0, 0, 0, 0]).t).toBeCloseTo(4.604094871, 8);
    expect(pairedTTest(spread, [0, 0, 0, 0, 0]).p).toBeCloseTo(0.01, 6);
  });

  it('is of the differences, pair by pair, and turns its sign with the order', () => {
    const first = [1.1, 2.3, 2.9, 4.2, 5.1];
    const second = [1.0, 2.0, 3.1, 3.8, 4.6];
    const test = pairedTTest(first, second);
    expect(test.difference).toBeCloseTo(0.22, 12);
    expect(test.t).toBeCloseTo(0.22 / (Math.sqrt(0.077) / Math.sqrt(5)), 10);
    expect(pairedTTest(second, first)).toMatchObject({ pairs: 5, p: test.p });
    expect(pairedTTest(second, first).t).toBeCloseTo(-test.t, 12);
    // Unpaired, the same values differ by next to nothing.
    expect(pairedTTest(first, [...second].reverse()).p).toBeGreaterThan(0.8);
  });

  it('keeps its precision far out, and knows what cannot be tested', () => {
    const many = Float64Array.from({ length: 6000 }, (_, i) => 0.15 + Math.sin(i));
    expect(pairedTTest(many, new Float64Array(6000)).p).toBeGreaterThan(0);
    expect(pairedTTest(many, new Float64Array(6000)).p).toBeLessThan(1e-30);
    expect(pairedTTest([1], [0]).p).toBeNaN();
    expect(pairedTTest([1, 2], [1, 2])).toMatchObject({ t: 0, p: 1 });
    expect(pairedTTest([2, 3], [1, 2])).toMatchObject({ t: Number.POSITIVE_INFINITY, p: 0 });
    expect(() => pairedTTest([1, 2], [1])).toThrow('pairs of 2 and 1 values');
  });
});

it('a spread is mean and sample deviation; of one value there is no deviation', () => {
  expect(spreadOf([1, 2, 3, 4])).toEqual({ mean: 2.5, deviation: Math.sqrt(5 / 3), count: 4 });
  expect(spreadOf([7])).toEqual({ mean: 7, deviation: null, count: 1 });
});
