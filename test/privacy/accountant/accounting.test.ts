import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Mechanism } from '../../../src/privacy/accountant/mechanism.js';
import { pldEpsilon } from '../../../src/privacy/accountant/pld.js';
import { rdpEpsilon } from '../../../src/privacy/accountant/rdp.js';

/** Made by scripts/fixtures/privacy_accounting.py. */
type Setting = Mechanism & {
  readonly accountant: 'pld' | 'rdp';
  readonly rounds: number;
  readonly delta: number;
  readonly epsilon: number;
};
const SETTINGS = JSON.parse(readFileSync(new URL('accounting.json', import.meta.url), 'utf8')) as readonly Setting[];
const ACCOUNTANTS = { pld: pldEpsilon, rdp: rdpEpsilon };

const epsilonOf = ({ accountant, kind, noise, sampling, rate, rounds, delta }: Setting): number =>
  ACCOUNTANTS[accountant]([{ mechanism: { kind, noise, sampling, rate }, times: rounds }], delta);

describe('accountants', () => {
  it('are compared with dp-accounting on a hundred settings', () => expect(SETTINGS).toHaveLength(100));

  it.each(['pld', 'rdp'])('agree with dp-accounting within 1 %%: %s', (accountant) => {
    const settings = SETTINGS.filter((setting) => setting.accountant === accountant);
    const apart = settings.filter((setting) => !(Math.abs(epsilonOf(setting) - setting.epsilon) <= 0.01 * setting.epsilon));
    expect(apart.map((setting) => ({ ...setting, found: epsilonOf(setting) }))).toEqual([]);
  });

  const one = (mechanism: Mechanism, times = 100) => [{ mechanism, times }];
  const poisson: Mechanism = { kind: 'gaussian', noise: 1, sampling: 'poisson', rate: 0.02 };

  it('bound a fixed cohort by loss distributions below its Rényi bound, and above half of a Poisson cohort of the same noise', () => {
    const fixed: Mechanism = { ...poisson, sampling: 'fixed' };
    const [tight, loose] = [pldEpsilon(one(fixed), 1e-5), rdpEpsilon(one(fixed), 1e-5)];
    expect(tight).toBeLessThan(loose);
    expect(tight).toBeGreaterThan(0.5 * pldEpsilon(one(poisson), 1e-5));
  });

  it('spend more with more rounds, less with more noise, a lower rate and a larger delta', () => {
    for (const epsilon of Object.values(ACCOUNTANTS)) {
      const base = epsilon(one(poisson), 1e-5);
      expect(epsilon(one(poisson, 200), 1e-5)).toBeGreaterThan(base);
      expect(epsilon(one({ ...poisson, noise: 1.2 }), 1e-5)).toBeLessThan(base);
      expect(epsilon(one({ ...poisson, rate: 0.01 }), 1e-5)).toBeLessThan(base);
      expect(epsilon(one(poisson), 1e-4)).toBeLessThan(base);
    }
  });

  it('count runs of different mechanisms together: split runs of one spend what they spend at once', () => {
    for (const epsilon of Object.values(ACCOUNTANTS)) {
      const split = epsilon([...one(poisson, 30), ...one(poisson, 70)], 1e-5);
      expect(split / epsilon(one(poisson), 1e-5)).toBeCloseTo(1, 4);
      expect(epsilon([...one(poisson), ...one({ ...poisson, rate: 0.03 }, 5)], 1e-5)).toBeGreaterThan(split);
    }
  });

  it('find nothing spent by nothing, and no guarantee without noise', () => {
    for (const epsilon of Object.values(ACCOUNTANTS)) {
      expect(epsilon([], 1e-5)).toBe(0);
      expect(epsilon(one(poisson, 0), 1e-5)).toBe(0);
      expect(epsilon(one({ ...poisson, noise: 0 }, 1), 1e-5)).toBe(Number.POSITIVE_INFINITY);
    }
  });
});
