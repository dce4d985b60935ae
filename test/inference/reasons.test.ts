import { describe, expect, it } from 'vitest';
import { coRatings, cosines, effectiveRank, nearestRated } from '../../src/inference/reasons.js';
import { datasetOf } from '../support/inference/dataset.js';

const rated = (pairs: readonly (readonly [item: number, rating: number])[]) => ({
  items: Uint32Array.from(pairs, ([item]) => item),
  values: Float32Array.from(pairs, ([, rating]) => rating),
});

describe('cosines', () => {
  it('compares vectors around their mean', () => {
    // Around the mean (10, 10): (1, 0), (2, 0), (−3, 0), (0, 4), (0, −4).
    const similarity = cosines({ values: Float32Array.of(11, 10, 12, 10, 7, 10, 10, 14, 10, 6), width: 2 });
    expect(similarity(0, 1)).toBeCloseTo(1);
    expect(similarity(0, 2)).toBeCloseTo(-1);
    expect(similarity(0, 3)).toBeCloseTo(0);
  });

  it('is 0 for a vector that is the mean itself', () => {
    const similarity = cosines({ values: Float32Array.of(1, 2, 3), width: 1 });
    expect(similarity(1, 2)).toBe(0);
  });
});

describe('effectiveRank', () => {
  it('is 1 of vectors on a line, and the width of vectors that differ alike in every direction', () => {
    const line = Float32Array.from({ length: 30 }, (_, at) => (at % 3 === 2 ? 5 : Math.floor(at / 3) * (1 + (at % 3))));
    expect(effectiveRank({ values: line, width: 3 })).toBeCloseTo(1);
    expect(effectiveRank({ values: Float32Array.of(1, 0, -1, 0, 0, 1, 0, -1), width: 2 })).toBeCloseTo(2);
    expect(effectiveRank({ values: new Float32Array(8).fill(3), width: 2 })).toBe(0);
  });
});

describe('coRatings', () => {
  it('is high for items that the same users like, low for those on which they differ, and 0 without a common user', () => {
    // Items 0 and 1 go together, 2 against them. Nobody rated 3 with another.
    const users = Array.from({ length: 12 }, (_, user) =>
      user % 2 === 0
        ? ([
            [0, 5],
            [1, 5],
            [2, 1],
          ] as const)
        : ([
            [0, 1],
            [1, 1],
            [2, 5],
          ] as const),
    );
    const similarity = coRatings(datasetOf(4, [...users, [[3, 4]]]));
    expect(similarity(0, 1)).toBeGreaterThan(0.5);
    expect(similarity(0, 2)).toBeLessThan(-0.5);
    expect(similarity(0, 1)).toBe(similarity(1, 0));
    expect(similarity(0, 3)).toBe(0);
  });
});

describe('nearestRated', () => {
  const similarity = (a: number, b: number): number => [0, 0.9, -0.5, 0.4, 0.8][Math.abs(a - b)]!;

  it('gives the most similar items that the user liked', () => {
    expect(
      nearestRated(
        0,
        rated([
          [1, 4],
          [2, 5],
          [3, 4],
          [4, 1],
        ]),
        similarity,
        3,
      ),
    ).toEqual([
      { item: 1, rating: 4, similarity: 0.9 },
      { item: 3, rating: 4, similarity: 0.4 },
    ]);
  });

  it('takes all of ratings that are equal, and never the item itself', () => {
    expect(
      nearestRated(
        1,
        rated([
          [1, 3],
          [2, 3],
          [4, 3],
        ]),
        similarity,
        1,
      ),
    ).toEqual([{ item: 2, rating: 3, similarity: 0.9 }]);
    expect(nearestRated(1, rated([]), similarity, 3)).toEqual([]);
  });
});
