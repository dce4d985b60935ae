import { bytes, type DeviceId, joules, type Seconds, seconds } from '../../base/units.js';
import type { DeviceCost } from '../../messages/device-cost.js';

/** What a device spent on receiving, computing and sending, together. */
export const secondsOf = ({ down, compute, up }: Pick<DeviceCost, 'down' | 'compute' | 'up'>): Seconds => seconds(down + compute + up);

const join = (a: DeviceCost, b: DeviceCost): DeviceCost => {
  const spans = { down: seconds(a.down + b.down), compute: seconds(a.compute + b.compute), up: seconds(a.up + b.up) };
  const span = secondsOf(spans);
  return {
    ...b,
    ...spans,
    bytesDown: bytes(a.bytesDown + b.bytesDown),
    bytesUp: bytes(a.bytesUp + b.bytesUp),
    operations: a.operations + b.operations,
    energy: joules(a.energy + b.energy),
    used: { ...b.used, compute: span === 0 ? 0 : spans.compute / span },
  };
};

/** The sums so far, by device, each with the cost of the device's next answer added. */
export const costsByDevice = (
  answers: readonly DeviceCost[],
  before: ReadonlyMap<DeviceId, DeviceCost>,
): ReadonlyMap<DeviceId, DeviceCost> => {
  if (answers.length === 0) return before;
  const sums = new Map(before);
  for (const cost of answers) {
    const sum = sums.get(cost.device);
    sums.set(cost.device, sum === undefined ? cost : join(sum, cost));
  }
  return sums;
};
