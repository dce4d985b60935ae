import { describe, expect, it } from 'vitest';
import { ranked, rungsOf } from '../../../src/studies/tuning/successive-halving.js';

describe('successive halving', () => {
  it('gives ever fewer candidates ever more budget, and the last rung the most', () => {
    expect(rungsOf({ candidates: 27, least: 1, factor: 3, most: 27 })).toEqual([
      { budget: 1, candidates: 27 },
      { budget: 3, candidates: 9 },
      { budget: 9, candidates: 3 },
      { budget: 27, candidates: 1 },
    ]);
    expect(rungsOf({ candidates: 5, least: 4, factor: 2, most: 10 })).toEqual([
      { budget: 4, candidates: 5 },
      { budget: 8, candidates: 2 },
      { budget: 10, candidates: 1 },
    ]);
    expect(rungsOf({ candidates: 3, least: 6, factor: 3, most: 6 })).toEqual([{ budget: 6, candidates: 3 }]);
  });

  it('ranks by score in the direction of the metric, equal ones by their number, and what has none last', () => {
    const scores = [Number.NaN, 0.5, 0.4, 0.5, null].map((score, candidate) => ({ candidate, score }));
    const by = (better: 'lower' | 'higher') => ranked(scores, { better }).map(({ candidate }) => candidate);
    expect(by('lower')).toEqual([2, 1, 3, 0, 4]);
    expect(by('higher')).toEqual([1, 3, 2, 0, 4]);
  });
});
