import { z } from 'zod';
import { shuffle } from '../../base/random.js';
import { ascending, forgetful } from './choosing.js';
import type { Sampler, SamplerContext, SamplerDefinition } from './sampler.js';

const createShuffled = ({ random, cohort, roundsPerEpoch, activity }: SamplerContext): Sampler => {
  const order = Uint32Array.from({ length: activity.length }, (_, device) => device);
  let shuffledFor = 0;
  return forgetful(({ round }) => {
    const epoch = Math.ceil(round / roundsPerEpoch);
    if (epoch !== shuffledFor) {
      order.forEach((_, device) => {
        order[device] = device;
      });
      shuffle(order, random('cohort', epoch));
      shuffledFor = epoch;
    }
    const start = ((round - 1) % roundsPerEpoch) * cohort;
    return ascending(order.subarray(start, start + cohort));
  });
};

/** Every device once an epoch, in a fresh random order; the last cohort of an epoch may be smaller. */
export const shuffled: SamplerDefinition = {
  name: 'shuffled',
  version: '1',
  options: z.strictObject({}),
  traits: { heedsStages: false, everyDeviceOnce: true },
  create: (_options, context) => createShuffled(context),
};
