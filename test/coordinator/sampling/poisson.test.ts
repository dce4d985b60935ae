import { describe, expect, it } from 'vitest';
import { random } from '../../../src/base/random.js';
import { seconds } from '../../../src/base/units.js';
import { poisson } from '../../../src/coordinator/sampling/poisson.js';
import { chiSquare, chiSquareLimit } from '../../support/statistics/chi-square.js';

const choosing = (devices: number, cohort: number) => {
  const sampler = poisson.create(
    {},
    {
      ...{ random: (...keys) => random(1, ...keys), devices, cohort, roundsPerEpoch: 1 },
      ...{ activity: new Uint32Array(devices), checkIn: () => 'charging' },
    },
  );
  return (round: number) => sampler.choose({ round, size: cohort, busy: new Set(), now: seconds(0) });
};

describe('poisson sampling', () => {
  it('takes each device by itself with the chance that a cohort of that size gives it', () => {
    const [devices, cohort, rounds] = [200, 30, 4000];
    const counts = new Array<number>(devices).fill(0);
    const sizes: number[] = [];
    const choose = choosing(devices, cohort);
    for (let round = 1; round <= rounds; round++) {
      const found = choose(round);
      expect(found.every((device, at) => device < devices && (at === 0 || device > found[at - 1]!))).toBe(true);
      sizes.push(found.length);
      for (const device of found) counts[device]! += 1;
    }
    expect(chiSquare(counts, () => (rounds * cohort) / devices)).toBeLessThan(chiSquareLimit(devices));
    // Of independent choices, sizes have the variance of a binomial distribution.
    const variance = sizes.reduce((sum, size) => sum + (size - cohort) ** 2, 0) / rounds;
    expect(variance / (cohort * (1 - cohort / devices))).toBeCloseTo(1, 0.9);
  });

  it('takes everyone where the cohort is the fleet', () => {
    expect(choosing(4, 4)(1)).toEqual([0, 1, 2, 3]);
  });
});
