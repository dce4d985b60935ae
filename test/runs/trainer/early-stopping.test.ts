import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BestSoFar, judge, NOTHING_YET, shouldStop } from '../../../src/runs/trainer/early-stopping.js';

const MSE = { name: 'mse', better: 'lower' } as const;
const score = (mse: number | null) => ({ count: 10, metrics: { mae: 1, mse } });
/** The best after each of these measurements, one an epoch. */
const follow = (errors: readonly (number | null)[]): BestSoFar[] => {
  let best = NOTHING_YET;
  return errors.map((mse, index) => {
    best = judge(MSE, best, index + 1, score(mse));
    return best;
  });
};

describe('the best epoch', () => {
  it('is the first one measured, until a better one is', () => {
    expect(follow([3, 2, 2.5, 1, 1.5]).map(({ epoch, value }) => [epoch, value])).toEqual([
      [1, 3],
      [2, 2],
      [2, 2],
      [4, 1],
      [4, 1],
    ]);
  });

  it('is the highest where the metric is better so', () => {
    let best = NOTHING_YET;
    [0.2, 0.4, 0.3].forEach((value, index) => {
      best = judge({ name: 'auc', better: 'higher' }, best, index + 1, { count: 1, metrics: { auc: value } });
    });
    expect(best).toEqual({ value: 0.4, epoch: 2, waited: 1 });
  });

  it('is the earlier of two that are as good', () => {
    expect(follow([2, 2, 2]).at(-1)).toEqual({ value: 2, epoch: 1, waited: 2 });
  });

  it('is that of the least validation error, wherever it comes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 30 }), (errors) => {
        const { epoch, value, waited } = follow(errors).at(-1)!;
        expect(value).toBe(Math.min(...errors));
        expect(epoch).toBe(errors.indexOf(value!) + 1);
        expect(waited).toBe(errors.length - epoch);
      }),
    );
  });

  it('is the latest where there is nothing to validate on', () => {
    expect(follow([null, null, null]).at(-1)).toEqual({ value: null, epoch: 3, waited: 0 });
  });

  it('is not one whose error is no number', () => {
    expect(follow([2, Number.NaN, 1]).map(({ epoch }) => epoch)).toEqual([1, 1, 3]);
  });

  it('is plain data: a checkpoint keeps it', () => {
    for (const best of [NOTHING_YET, ...follow([3, 2, 4])]) expect(JSON.parse(JSON.stringify(best))).toEqual(best);
  });
});

describe('a run', () => {
  it('stops after as many measurements without a better one as it has patience', () => {
    const stopped = follow([3, 2, 4, 4, 4, 1]).map((best) => shouldStop(best, 3));
    expect(stopped).toEqual([false, false, false, false, true, false]);
    expect(shouldStop({ value: 1, epoch: 1, waited: 4 }, 3)).toBe(true);
  });

  it('never stops early without patience, before the first measurement, or without validation ratings', () => {
    expect(shouldStop({ value: 1, epoch: 1, waited: 1000 }, 0)).toBe(false);
    expect(shouldStop(NOTHING_YET, 1)).toBe(false);
    expect(follow(Array(20).fill(null)).some((best) => shouldStop(best, 1))).toBe(false);
  });
});
