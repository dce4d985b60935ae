import { distinct, random, shuffle } from '../../base/random.js';
import { type DeviceId, deviceId, type Seconds } from '../../base/units.js';
import type { OortSettings, Sampling } from '../settings.js';
import { createOort } from './oort.js';
import type { Sampler } from './sampler.js';

/**
 * Which devices are asked in a round. Cohorts are distinct devices in ascending order, none of them still at work. The first three
 * are functions of (seed, round) alone; the others also of what happened before, which is part of a checkpoint.
 *
 *   shuffled      every device once an epoch, in a fresh random order (the last cohort of an epoch may be smaller)
 *   uniform       each device equally likely, every round anew (McMahan et al., AISTATS 2017)
 *   activity      drawn one after the other in proportion to their training ratings (the cohort of the paper's random triples)
 *   round-robin   in one random order, round and round: nobody is asked twice before everybody was asked once
 *   available     uniform among those that check in as reachable and on the plug; those merely reachable fill the rest
 *                 (Bonawitz et al., MLSys 2019, section 3: devices connect when idle, charging and on an unmetered network)
 *   oort          by statistical and system utility, with exploration (Lai et al., OSDI 2021): oort.ts
 */

/** How ready a device is at a virtual time, as it says itself when it checks in. */
export type CheckIn = (device: DeviceId, now: Seconds) => 'charging' | 'reachable' | 'away';

export type SamplerOptions = {
  readonly sampling: Sampling;
  readonly seed: number;
  readonly cohort: number;
  readonly roundsPerEpoch: number;
  /** Training ratings by device. */
  readonly activity: Uint32Array;
  readonly oort: OortSettings;
  readonly checkIn: CheckIn;
};

/** A sampler that learns nothing. */
const forgetful = (choose: Sampler['choose']): Sampler => ({ choose, learn: () => {}, state: () => null, restore: () => {} });

const ascending = (devices: Iterable<number>): DeviceId[] =>
  Array.from(devices)
    .sort((a, b) => a - b)
    .map(deviceId);

const shuffled = ({ seed, cohort, roundsPerEpoch, activity }: SamplerOptions): Sampler => {
  const order = Uint32Array.from(activity, (_, device) => device);
  let shuffledFor = 0;
  return forgetful(({ round }) => {
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
  });
};

/** Draws without replacement by rejection while that is cheap, else by exponential keys (Efraimidis & Spirakis, 2006): the same distribution. */
const byActivity = ({ seed, activity }: SamplerOptions): Sampler => {
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
    const source = random(seed, 'cohort', round);
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

/** The first `size` of a list that `wanted` lets pass. */
const firstOf = (devices: Iterable<number>, size: number, wanted: (device: DeviceId) => boolean): DeviceId[] => {
  const chosen: DeviceId[] = [];
  for (const device of devices) {
    if (chosen.length === size) break;
    if (wanted(deviceId(device))) chosen.push(deviceId(device));
  }
  return chosen;
};

const uniform = ({ seed, activity }: SamplerOptions): Sampler =>
  forgetful(({ round, size, busy, devices = activity.length }) => {
    const drawn = distinct(size + busy.size, devices, random(seed, 'cohort', round));
    return ascending(firstOf(drawn, size, (device) => !busy.has(device)));
  });

/** The state is the place in the order, which costs no more than the devices asked. */
const roundRobin = ({ seed, activity }: SamplerOptions): Sampler => {
  const order = shuffle(
    Uint32Array.from(activity, (_, device) => device),
    random(seed, 'cohort'),
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

/** Draws devices at random until enough have checked in, at most all of them: what a round costs grows with the share that is away. */
const available = ({ seed, activity, checkIn }: SamplerOptions): Sampler =>
  forgetful(({ round, size, busy, now, devices = activity.length }) => {
    const charging: DeviceId[] = [];
    const reachable: DeviceId[] = [];
    const everyone = distinct(devices, devices, random(seed, 'cohort', round));
    for (const device of everyone) {
      if (charging.length === size) break;
      if (busy.has(deviceId(device))) continue;
      const ready = checkIn(deviceId(device), now);
      if (ready === 'charging') charging.push(deviceId(device));
      if (ready === 'reachable' && reachable.length < size) reachable.push(deviceId(device));
    }
    return ascending([...charging, ...reachable].slice(0, size));
  });

const SAMPLERS: Readonly<Record<Sampling, (options: SamplerOptions) => Sampler>> = {
  shuffled,
  uniform,
  activity: byActivity,
  'round-robin': roundRobin,
  available,
  oort: ({ seed, activity, oort }) => createOort(oort, seed, activity.length),
};

export const createSampler = (options: SamplerOptions): Sampler => SAMPLERS[options.sampling](options);
