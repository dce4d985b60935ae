import { z } from 'zod';
import { shuffle } from '../../base/random.js';
import { ascending, firstOf } from './choosing.js';
import type { Sampler, SamplerContext, SamplerDefinition } from './sampler.js';

/** The state is the place in the order, which costs no more than the devices asked. */
const createRoundRobin = ({ random, activity }: SamplerContext): Sampler => {
  const order = shuffle(
    Uint32Array.from({ length: activity.length }, (_, device) => device),
    random('cohort'),
  );
  const places = Uint32Array.from(order);
  order.forEach((device, place) => {
    places[device] = place;
  });
  let next = 0;
  const from = function* (): Generator<number> {
    for (let step = 0; step < order.length; step++) yield order[(next + step) % order.length]!;
  };
  return {
    choose: ({ size, busy }) => ascending(firstOf(from(), size, (device) => !busy.has(device))),
    learn: (_round, asked) => {
      const steps = asked.map(({ device }) => (places[device]! - next + order.length) % order.length);
      if (steps.length > 0) next = (next + Math.max(...steps) + 1) % order.length;
    },
    state: () => next,
    restore: (saved) => {
      if (!Number.isSafeInteger(saved) || (saved as number) < 0 || (saved as number) >= order.length)
        throw new Error('no place in the order');
      next = saved as number;
    },
  };
};

/** In one random order, round and round: no device is asked twice before every device was asked once. */
export const roundRobin: SamplerDefinition = {
  name: 'round-robin',
  version: '1',
  options: z.strictObject({}),
  traits: { heedsStages: false, everyDeviceOnce: false },
  create: (_options, context) => createRoundRobin(context),
};
