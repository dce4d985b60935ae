import { z } from 'zod';
import { distinct } from '../../base/random.js';
import { type DeviceId, deviceId } from '../../base/units.js';
import { ascending, forgetful } from './choosing.js';
import type { Sampler, SamplerContext, SamplerDefinition } from './sampler.js';

/** Draws devices at random until enough have checked in, at most all of them: what a round costs grows with the share that is away. */
const createAvailable = ({ random, activity, checkIn }: SamplerContext): Sampler =>
  forgetful(({ round, size, busy, now, devices = activity.length }) => {
    const charging: DeviceId[] = [];
    const reachable: DeviceId[] = [];
    const everyone = distinct(devices, devices, random('cohort', round));
    for (const device of everyone) {
      if (charging.length === size) break;
      if (busy.has(deviceId(device))) continue;
      const ready = checkIn(deviceId(device), now);
      if (ready === 'charging') charging.push(deviceId(device));
      if (ready === 'reachable' && reachable.length < size) reachable.push(deviceId(device));
    }
    return ascending([...charging, ...reachable].slice(0, size));
  });

/**
 * Uniform among those that check in as reachable and on the plug; those merely reachable fill the rest. Source: Bonawitz et al., MLSys 2019, section 3:
 * devices connect when idle, charging and on an unmetered network.
 */
export const available: SamplerDefinition = {
  name: 'available',
  version: '1',
  options: z.strictObject({}),
  traits: { heedsStages: true, everyDeviceOnce: false },
  create: (_options, context) => createAvailable(context),
};
