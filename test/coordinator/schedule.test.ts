import { describe, expect, it } from 'vitest';
import { constantRate, rateAt, type Schedule } from '../../src/coordinator/schedule.js';

const ratesOf = (changes: Partial<Schedule>, rounds: readonly number[], roundsPerEpoch = 2): number[] =>
  rounds.map((round) => rateAt({ ...constantRate(0.8), floor: 0, ...changes }, round, roundsPerEpoch));
const expectRates = (found: readonly number[], expected: readonly number[]): void => {
  expect(found).toHaveLength(expected.length);
  expected.forEach((rate, i) => expect(found[i]).toBeCloseTo(rate, 12));
};

describe('the learning rate', () => {
  it('stays where nothing is said', () => expectRates(ratesOf({}, [1, 2, 3, 1000]), [0.8, 0.8, 0.8, 0.8]));

  it('falls by its factor from epoch to epoch, or by a root of it from round to round', () => {
    expectRates(ratesOf({ decay: 0.25 }, [1, 2, 3, 4, 5]), [0.8, 0.8, 0.2, 0.2, 0.05]);
    expectRates(ratesOf({ decay: 0.25, by: 'round' }, [1, 2, 3, 4, 5]), [0.8, 0.4, 0.2, 0.1, 0.05]);
  });

  it('falls in steps', () => {
    expectRates(ratesOf({ kind: 'step', decay: 0.5, stepEpochs: 2 }, [1, 4, 5, 8, 9]), [0.8, 0.8, 0.4, 0.4, 0.2]);
    expectRates(ratesOf({ kind: 'step', decay: 0.5, stepEpochs: 2, by: 'round' }, [1, 4, 5]), [0.8, 0.8, 0.4]);
  });

  it('follows half a cosine down to its floor, and stays there', () => {
    const cosine: Partial<Schedule> = { kind: 'cosine', epochs: 4 };
    const at = (share: number) => 0.4 * (1 + Math.cos(Math.PI * share));
    expectRates(ratesOf(cosine, [1, 2, 3, 5, 7, 9, 11]), [0.8, 0.8, at(1 / 4), 0.4, at(3 / 4), 0, 0]);
    expectRates(ratesOf({ ...cosine, by: 'round' }, [1, 2, 3, 8, 9]), [0.8, at(1 / 8), at(1 / 4), at(7 / 8), 0]);
    expectRates(ratesOf({ ...cosine, floor: 0.5 }, [1, 5, 9, 99]), [0.8, 0.6, 0.4, 0.4]);
  });

  it('rises from nothing over the rounds of its warm-up, towards what the schedule says', () => {
    expectRates(ratesOf({ warmup: 4, decay: 0.5 }, [1, 2, 3, 4, 5]), [0.2, 0.4, 0.3, 0.4, 0.2]);
  });
});
