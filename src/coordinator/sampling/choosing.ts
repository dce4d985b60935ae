import { type DeviceId, deviceId } from '../../base/units.js';
import type { Sampler } from './sampler.js';

/** A sampler that learns nothing. */
export const forgetful = (choose: Sampler['choose']): Sampler => ({ choose, learn: () => {}, state: () => null, restore: () => {} });

export const ascending = (devices: Iterable<number>): DeviceId[] =>
  Array.from(devices)
    .sort((a, b) => a - b)
    .map(deviceId);

/** The first `size` of a list that `wanted` lets pass. */
export const firstOf = (devices: Iterable<number>, size: number, wanted: (device: DeviceId) => boolean): DeviceId[] => {
  const chosen: DeviceId[] = [];
  for (const device of devices) {
    if (chosen.length === size) break;
    if (wanted(deviceId(device))) chosen.push(deviceId(device));
  }
  return chosen;
};
