import { expect, it } from 'vitest';
import { bytes, deviceId, joules, seconds } from '../../../src/base/units.js';
import { costsByDevice } from '../../../src/coordinator/round/device-costs.js';
import type { DeviceCost } from '../../../src/messages/device-cost.js';

const costOf = (changes: Partial<DeviceCost>): DeviceCost => ({
  device: deviceId(1),
  profile: 2,
  lost: null,
  down: seconds(0),
  compute: seconds(0),
  up: seconds(0),
  bytesDown: bytes(0),
  bytesUp: bytes(0),
  operations: 0,
  energy: joules(0),
  used: { memory: 0, storage: 0, dataPlan: 0, battery: 0, compute: 0 },
  ...changes,
});

it('a cost adds up what all messages took, and has budgets as they stood last, but for the share of time that was computed', () => {
  const used = { memory: 0.1, storage: 0.2, dataPlan: 0.3, battery: 0.4, compute: 0.5 };
  const asked = costOf({ down: seconds(1), up: seconds(2), bytesDown: bytes(10), bytesUp: bytes(20), energy: joules(3), used });
  const times = { down: seconds(4), compute: seconds(3), up: seconds(2) };
  const trained = costOf({ ...times, bytesDown: bytes(100), bytesUp: bytes(200), operations: 7, energy: joules(5), lost: 'after' });
  const cost = costsByDevice([trained], costsByDevice([asked, costOf({ device: deviceId(9) })], new Map())).get(deviceId(1));
  const sums = { down: 5, compute: 3, up: 4, bytesDown: 110, bytesUp: 220, operations: 7, energy: 8 };
  expect(cost).toEqual({ ...trained, ...sums, used: { ...trained.used, compute: 3 / 12 } });
});

it('a cost that took no time computed in none of it', () => {
  const costs = costsByDevice([costOf({}), costOf({ used: { memory: 1, storage: 1, dataPlan: 1, battery: 1, compute: 1 } })], new Map());
  expect(costs.get(deviceId(1))!.used.compute).toBe(0);
});
