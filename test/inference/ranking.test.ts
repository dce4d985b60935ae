import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { topPositions } from '../../src/inference/ranking.js';

describe('topPositions', () => {
  it('gives the largest scores first, and of equal scores the lower position', () => {
    expect(topPositions([1, 3, 2, 3, 3], 3)).toEqual([1, 3, 4]);
    expect(topPositions([1, 3, 2, 3, 3], 10)).toEqual([1, 3, 4, 2, 0]);
  });

  it('leaves out what is marked, and what is no number', () => {
    expect(topPositions([5, Number.NaN, 4, 3], 3, Uint8Array.of(1, 0, 0, 0))).toEqual([2, 3]);
    expect(topPositions([], 3)).toEqual([]);
    expect(topPositions([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY], 2)).toEqual([1, 0]);
  });

  it('agrees with a stable sort', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5 })), fc.integer({ min: 1, max: 12 }), (scores, count) => {
        const sorted = scores.map((_, at) => at).sort((a, b) => scores[b]! - scores[a]! || a - b);
        expect(topPositions(scores, count)).toEqual(sorted.slice(0, count));
      }),
    );
  });
});
