import { z } from 'zod';
import { deviceId } from '../../base/units.js';
import { ascending, forgetful } from './choosing.js';
import type { Sampler, SamplerContext, SamplerDefinition } from './sampler.js';

/** Draws without replacement by rejection while that is cheap, else by exponential keys (Efraimidis & Spirakis, 2006): the same distribution. */
const createByActivity = ({ random, activity }: SamplerContext): Sampler => {
  const cumulative = new Float64Array(activity.length);
  let sum = 0;
  activity.forEach((ratings, device) => {
    sum += ratings;
    cumulative[device] = sum;
  });
  const draw = (at: number): number => {
    let low = 0;
    let high = cumulative.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return forgetful(({ round, size, busy, devices = activity.length }) => {
    const total = cumulative[devices - 1]!;
    const cohort = Math.min(size, devices - busy.size);
    const source = random('cohort', round);
    if ((cohort + busy.size) * 4 <= devices) {
      const chosen = new Set<number>();
      for (let tries = 0; chosen.size < cohort && tries < 64 * cohort; tries++) {
        const device = draw(source.uniform() * total);
        if (!busy.has(deviceId(device))) chosen.add(device);
      }
      if (chosen.size === cohort) return ascending(chosen);
    }
    const keys = Float64Array.from(activity.subarray(0, devices), (weight) => -Math.log(1 - source.uniform()) / weight);
    const order = Array.from(keys, (_, device) => device)
      .filter((device) => !busy.has(deviceId(device)))
      .sort((a, b) => keys[a]! - keys[b]! || a - b);
    return ascending(order.slice(0, cohort));
  });
};

/** Drawn one after the other in proportion to their training records: the cohort of the paper's random triples. */
export const activity: SamplerDefinition = {
  name: 'activity',
  version: '1',
  options: z.strictObject({}),
  traits: { heedsStages: true, everyDeviceOnce: false, inProportionTo: 'records' },
  create: (_options, context) => createByActivity(context),
};
