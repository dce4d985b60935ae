import { expect, it } from 'vitest';
import { constantRate } from '../../src/coordinator/schedule.js';
import { epochOf, learningRateOf } from '../../src/coordinator/settings.js';
import { settingsOf } from '../support/coordinator/in-process-coordinator.js';

it('epochs are counted from 1 and hold their rounds', () => {
  expect([1, 2, 3, 4, 6, 7].map((round) => epochOf(round, { roundsPerEpoch: 3 }))).toEqual([1, 1, 1, 2, 2, 3]);
  expect(epochOf(5, { roundsPerEpoch: 1 })).toBe(5);
});

it('the learning rate starts as configured and falls by its factor from epoch to epoch', () => {
  const settings = settingsOf({ schedule: { ...constantRate(0.08), decay: 0.5 }, roundsPerEpoch: 2 });
  expect([1, 2, 3, 4, 5].map((round) => learningRateOf(round, settings))).toEqual([0.08, 0.08, 0.04, 0.04, 0.02]);
  expect(learningRateOf(1000, { ...settings, schedule: constantRate(0.08) })).toBe(0.08);
});
