import { z } from 'zod';
import { type DeviceId, deviceId } from '../../base/units.js';
import { forgetful } from './choosing.js';
import type { Sampler, SamplerContext, SamplerDefinition } from './sampler.js';

/** Gaps between chosen devices are geometric: a draw for each chosen device, not for each device of the fleet. */
const createPoisson = ({ random, activity }: SamplerContext): Sampler =>
  forgetful(({ round, size, busy, devices = activity.length }) => {
    const rate = Math.min(1, size / devices);
    const source = random('cohort', round);
    const chosen: DeviceId[] = [];
    for (let device = 0; device < devices; device++) {
      device += rate === 1 ? 0 : Math.floor(Math.log(1 - source.uniform()) / Math.log1p(-rate));
      if (device < devices && !busy.has(deviceId(device))) chosen.push(deviceId(device));
    }
    return chosen;
  });

/**
 * Each device by itself, with chance cohort / devices. A cohort has any size, and none at all now and then. It is what the accountants of the
 * sampled Gaussian mechanism assume (Mironov, Talwar, Zhang, 2019).
 */
export const poisson: SamplerDefinition = {
  name: 'poisson',
  version: '1',
  options: z.strictObject({}),
  traits: { heedsStages: true, everyDeviceOnce: false, anySize: true, earns: 'poisson' },
  create: (_options, context) => createPoisson(context),
};
