import { distinct, random, shuffle } from '../base/random.js';
import { type DeviceId, deviceId } from '../base/units.js';

/**
 * Which devices take part in a round. Every policy is a function of (seed, round) alone; cohorts are distinct devices in
 * ascending order.
 *
 *   shuffled   every device once an epoch, in a fresh random order (the last cohort of an epoch may be smaller)
 *   uniform    `cohort` devices, each equally likely, every round anew
 *   activity   `cohort` devices drawn one after the other in proportion to their training ratings
 */
export const SAMPLINGS = ['shuffled', 'uniform', 'activity'] as const;
export type Sampling = (typeof SAMPLINGS)[number];

export type SamplerOptions = {
  readonly sampling: Sampling;
  readonly seed: number;
  readonly cohort: number;
  readonly roundsPerEpoch: number;
  /** Training ratings by device. */
  readonly activity: Uint32Array;
};

/** The cohort of a round (counted from 1). */
export type Sampler = (round: number) => readonly DeviceId[];

const ascending = (devices: Iterable<number>): DeviceId[] =>
  Array.from(devices)
    .sort((a, b) => a - b)
    .map(deviceId);

const shuffled = ({ seed, cohort, roundsPerEpoch, activity }: SamplerOptions): Sampler => {
  const order = Uint32Array.from(activity, (_, device) => device);
  let shuffledFor = 0;
  return (round) => {
    const epoch = Math.ceil(round / roundsPerEpoch);
    if (epoch !== shuffledFor) {
      order.forEach((_, device) => {
        order[device] = device;
      });
      shuffle(order, random(seed, 'cohort', epoch));
      shuffledFor = epoch;
    }
    const start = ((round - 1) % roundsPerEpoch) * cohort;
    return ascending(order.subarray(start, start + cohort));
  };
};

/** Draws without replacement by rejection while that is cheap, else by exponential keys (Efraimidis & Spirakis, 2006): the same distribution. */
const byActivity = ({ seed, cohort, activity }: SamplerOptions): Sampler => {
  const cumulative = new Float64Array(activity.length);
  let total = 0;
  activity.forEach((ratings, device) => {
    total += ratings;
    cumulative[device] = total;
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
  return (round) => {
    const source = random(seed, 'cohort', round);
    if (cohort * 4 <= activity.length) {
      const chosen = new Set<number>();
      for (let tries = 0; chosen.size < cohort && tries < 64 * cohort; tries++) chosen.add(draw(source.uniform() * total));
      if (chosen.size === cohort) return ascending(chosen);
    }
    const keys = Float64Array.from(activity, (weight) => -Math.log(1 - source.uniform()) / weight);
    const order = Array.from(activity, (_, device) => device).sort((a, b) => keys[a]! - keys[b]! || a - b);
    return ascending(order.slice(0, cohort));
  };
};

const uniform = ({ seed, cohort, activity }: SamplerOptions): Sampler => {
  return (round) => ascending(distinct(cohort, activity.length, random(seed, 'cohort', round)));
};

const SAMPLERS: Readonly<Record<Sampling, (options: SamplerOptions) => Sampler>> = { shuffled, uniform, activity: byActivity };

export const createSampler = (options: SamplerOptions): Sampler => SAMPLERS[options.sampling](options);
