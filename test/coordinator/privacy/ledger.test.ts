import { describe, expect, it } from 'vitest';
import { deviceId } from '../../../src/base/units.js';
import { createLedger, type Drawn, type PrivacySettings } from '../../../src/coordinator/privacy/ledger.js';
import { pldEpsilon } from '../../../src/privacy/accountant/pld.js';

const DEVICES = 100;
const SETTINGS: PrivacySettings = {
  ...{ delta: 1e-5, stopAt: 0, accountant: 'pld', kind: 'gaussian', noise: 1, sampling: 'poisson', protects: 'shared parameters' },
};
const drawn = (...cohort: number[]): Drawn => ({ cohort: cohort.map(deviceId), size: 10, devices: DEVICES });
const exact = (sampling: 'none' | 'poisson', rate: number, times: number): number =>
  pldEpsilon([{ mechanism: { kind: 'gaussian', noise: 1, sampling, rate }, times }], 1e-5);

describe('the ledger', () => {
  it('counts rounds by the share of the devices that was wanted, whoever was drawn, where the sampler earns that', () => {
    const ledger = createLedger(SETTINGS, DEVICES);
    for (let round = 0; round < 5; round++) ledger.spend(drawn(...[1, 2, 3].slice(0, round % 3)));
    expect(ledger.after(drawn()).epsilon).toBeCloseTo(exact('poisson', 0.1, 6), 6);
  });

  it('counts the rounds of the device that took part most often, where the sampler earns nothing', () => {
    const ledger = createLedger({ ...SETTINGS, sampling: 'none' }, DEVICES);
    for (const cohort of [drawn(1, 2), drawn(3, 4), drawn(2, 5)]) ledger.spend(cohort);
    expect(ledger.after(drawn(9)).epsilon).toBeCloseTo(exact('none', 1, 2), 9);
    expect(ledger.after(drawn(2)).epsilon).toBeCloseTo(exact('none', 1, 3), 9);
  });

  it('never says less than was spent, and at most 2 % more rounds', () => {
    const ledger = createLedger(SETTINGS, DEVICES);
    for (let round = 0; round < 300; round++) ledger.spend(drawn());
    const { epsilon } = ledger.after(drawn());
    expect(epsilon).toBeGreaterThanOrEqual(exact('poisson', 0.1, 301) * 0.9999);
    expect(epsilon).toBeLessThanOrEqual(exact('poisson', 0.1, 307) * 1.0001);
  });

  it('goes on from its state, and refuses what it cannot have counted', () => {
    for (const sampling of ['none', 'poisson'] as const) {
      const [first, second] = [createLedger({ ...SETTINGS, sampling }, DEVICES), createLedger({ ...SETTINGS, sampling }, DEVICES)];
      for (let round = 0; round < 4; round++) first.spend(drawn(7, 8));
      second.restore(structuredClone(first.state()));
      expect(second.after(drawn(7))).toEqual(first.after(drawn(7)));
      for (const forged of [null, {}, { byRate: [[2, 1]], byDevice: new Uint32Array(0) }, { byRate: [], byDevice: new Uint32Array(3) }])
        expect(() => second.restore(forged)).toThrow(/^privacy: expected rounds/);
    }
  });

  it('has no ε without noise, or without a bound on what is sent', () => {
    for (const noise of [null, 0]) expect(createLedger({ ...SETTINGS, noise }, DEVICES).after(drawn()).epsilon).toBeNull();
  });
});
