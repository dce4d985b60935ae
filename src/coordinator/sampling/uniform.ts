import { z } from 'zod';
import { distinct } from '../../base/random.js';
import { ascending, firstOf, forgetful } from './choosing.js';
import type { Sampler, SamplerContext, SamplerDefinition } from './sampler.js';

const createUniform = ({ random, activity }: SamplerContext): Sampler =>
  forgetful(({ round, size, busy, devices = activity.length }) => {
    const drawn = distinct(size + busy.size, devices, random('cohort', round));
    return ascending(firstOf(drawn, size, (device) => !busy.has(device)));
  });

/** Each device equally likely, every round anew (McMahan et al., AISTATS 2017). */
export const uniform: SamplerDefinition = {
  name: 'uniform',
  version: '1',
  options: z.strictObject({}),
  traits: { heedsStages: true, everyDeviceOnce: false, earns: 'fixed' },
  create: (_options, context) => createUniform(context),
};
