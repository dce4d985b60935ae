import { bytes, type DeviceId, joules, type Seconds, seconds } from '../../base/units.js';
import type { Account } from '../../messages/device-cost.js';

/** A device's way through a round: its accounts of all the messages it was sent, added up. */
export type Trip = Omit<Account, 'device'>;

export const secondsOf = ({ down, compute, up }: Pick<Trip, 'down' | 'compute' | 'up'>): Seconds => seconds(down + compute + up);

const join = (a: Trip, b: Trip): Trip => {
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

/** The trips so far, each with the device's next account added. */
export const tripsOf = (accounts: readonly Account[], before: ReadonlyMap<DeviceId, Trip>): ReadonlyMap<DeviceId, Trip> => {
  if (accounts.length === 0) return before;
  const trips = new Map(before);
  for (const { device, ...account } of accounts) {
    const trip = trips.get(device);
    trips.set(device, trip === undefined ? account : join(trip, account));
  }
  return trips;
};
