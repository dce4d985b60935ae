import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../../../src/base/random.js';
import { type DeviceId, deviceId, seconds } from '../../../src/base/units.js';
import type { ClientTask } from '../../../src/coordinator/round/client-task.js';
import { SAMPLER, samplerNamed } from '../../../src/coordinator/sampling/registry.js';
import type { Sampler, SamplerContext } from '../../../src/coordinator/sampling/sampler.js';
import { samplerOf } from '../../support/coordinator/in-process-coordinator.js';
import { chiSquare, chiSquareLimit } from '../../support/statistics/chi-square.js';

type Made = SamplerContext & { readonly sampling: string };
const createSampler = ({ sampling, ...context }: Made): Sampler => samplerNamed(samplerOf(sampling))(context);

const SAMPLINGS = SAMPLER.builtIns.filter(({ traits }) => traits.anySize !== true).map(({ name }) => name);

const optionsFor = (sampling: string, activity: readonly number[], cohort: number, seed = 1): Made => ({
  sampling,
  random: (...keys) => random(seed, ...keys),
  devices: activity.length,
  cohort,
  roundsPerEpoch: Math.ceil(activity.length / cohort),
  activity: Uint32Array.from(activity),
  checkIn: () => 'charging',
});

/** The cohorts of rounds in which nobody is still at work. */
const sampler = (...options: Parameters<typeof optionsFor>): ((round: number) => readonly DeviceId[]) => {
  const made = createSampler(optionsFor(...options));
  return (round) => made.choose({ round, size: options[2], busy: new Set(), now: seconds(0) });
};

const FORGETFUL = ['shuffled', 'uniform', 'activity', 'available'] as const;

const ascendingBelow = (cohort: readonly number[], devices: number): boolean =>
  cohort.every((device, i) => Number.isInteger(device) && device < devices && device >= 0 && (i === 0 || device > cohort[i - 1]!));

describe.each(SAMPLINGS)('%s sampling', (sampling) => {
  it('gives cohorts of distinct devices, ascending, of the size asked for', () => {
    const activity = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(activity, fc.integer({ min: 1, max: 60 }), fc.nat(), fc.integer({ min: 1, max: 400 }), (weights, size, seed, round) => {
        const cohort = Math.min(size, weights.length);
        const found = sampler(sampling, weights, cohort, seed)(round);
        expect(ascendingBelow(found, weights.length)).toBe(true);
        const last = sampling === 'shuffled' && round % Math.ceil(weights.length / cohort) === 0;
        expect(found).toHaveLength(last ? weights.length - cohort * (Math.ceil(weights.length / cohort) - 1) : cohort);
      }),
    );
  });

  it('takes the whole fleet when the cohort is that large', () => {
    for (const devices of [1, 2, 9]) {
      const everyone = Array.from({ length: devices }, (_, i) => i);
      expect(
        sampler(
          sampling,
          everyone.map((i) => i * i + 1),
          devices,
        )(3),
      ).toEqual(everyone);
    }
  });
});

describe.each(FORGETFUL)('%s sampling', (sampling) => {
  it('is a function of seed and round, in whatever order rounds are asked for', () => {
    const weights = Array.from({ length: 23 }, (_, i) => 1 + i);
    const forward = sampler(sampling, weights, 5);
    const rounds = Array.from({ length: 20 }, (_, i) => i + 1);
    const expected = new Map(rounds.map((round) => [round, forward(round).join()]));
    const backward = sampler(sampling, weights, 5);
    for (const round of rounds.toReversed()) expect(backward(round).join(), `round ${round}`).toBe(expected.get(round));
    expect(sampler(sampling, weights, 5, 2)(1).join()).not.toBe(expected.get(1));
    expect(new Set(expected.values()).size).toBeGreaterThan(15);
  });
});

describe('shuffled sampling', () => {
  it('takes every device exactly once an epoch, in another order each time', () => {
    const [devices, cohort] = [23, 5];
    const sample = sampler('shuffled', Array(devices).fill(1), cohort);
    const epochs = Array.from({ length: 4 }, (_, epoch) => Array.from({ length: 5 }, (_, i) => sample(5 * epoch + i + 1)));
    for (const epoch of epochs) expect(epoch.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: devices }, (_, i) => i));
    expect(new Set(epochs.map((epoch) => epoch.join('|'))).size).toBe(4);
  });

  it('puts every device into every round of an epoch equally often', () => {
    const counts = new Uint32Array(12);
    const sample = sampler('shuffled', Array(12).fill(1), 3);
    const epochs = 4000;
    for (let epoch = 0; epoch < epochs; epoch++) for (const device of sample(4 * epoch + 2)) counts[device]!++;
    expect(chiSquare(counts, () => epochs / 4) / (1 - 3 / 12)).toBeLessThan(chiSquareLimit(11));
  });
});

it('uniform sampling gives every cohort equally often, whatever the activity', () => {
  const sample = sampler('uniform', [1, 1000, 5, 1, 70, 1], 3);
  const counts = new Map<string, number>();
  const rounds = 20_000;
  for (let round = 1; round <= rounds; round++) counts.set(sample(round).join(), (counts.get(sample(round).join()) ?? 0) + 1);
  expect(counts.size).toBe(20);
  expect(chiSquare([...counts.values()], () => rounds / 20)).toBeLessThan(chiSquareLimit(19));
});

describe('activity sampling', () => {
  /** P(cohort {i, j}) when devices are drawn one after the other in proportion to what is left. */
  const pairs = (weights: readonly number[]): { readonly pair: string; readonly probability: number }[] => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const ordered = (i: number, j: number): number => (weights[i]! / total) * (weights[j]! / (total - weights[i]!));
    return weights.flatMap((_, i) =>
      weights.slice(i + 1).map((_, k) => ({ pair: `${i},${i + 1 + k}`, probability: ordered(i, i + 1 + k) + ordered(i + 1 + k, i) })),
    );
  };

  it('draws a single device in proportion to its ratings', () => {
    const weights = Array.from({ length: 30 }, (_, i) => 1 + (i % 7) ** 2);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const counts = new Uint32Array(30);
    const sample = sampler('activity', weights, 1);
    const rounds = 60_000;
    for (let round = 1; round <= rounds; round++) counts[sample(round)[0]!]!++;
    expect(chiSquare(counts, (device) => (rounds * weights[device]!) / total)).toBeLessThan(chiSquareLimit(29));
  });

  // Devices without ratings are never drawn, but they make the fleet large enough for rejection to be the cheaper way.
  it.each([
    ['by exponential keys, from a fleet about the cohort’s size', 0],
    ['by rejection, from a fleet much larger', 3],
  ])('draws without replacement, in proportion to what is left: %s', (_, idle) => {
    const weights = [1, 2, 4, 8, 16];
    const sample = sampler('activity', [...weights, ...Array(idle).fill(0)], 2);
    const rounds = 40_000;
    const counts = new Map<string, number>();
    for (let round = 1; round <= rounds; round++) {
      const pair = sample(round).join();
      counts.set(pair, (counts.get(pair) ?? 0) + 1);
    }
    const expected = pairs(weights);
    expect([...counts.keys()].every((pair) => expected.some((each) => each.pair === pair))).toBe(true);
    const statistic = chiSquare(
      expected.map(({ pair }) => counts.get(pair) ?? 0),
      (cell) => rounds * expected[cell]!.probability,
    );
    expect(statistic).toBeLessThan(chiSquareLimit(expected.length - 1));
  });

  it('still finds a whole cohort where a few devices hold nearly all ratings', () => {
    const weights = [4_000_000_000, 4_000_000_000, ...Array(38).fill(1)];
    const cohorts = Array.from({ length: 50 }, (_, round) => sampler('activity', weights, 10)(round + 1));
    for (const cohort of cohorts) {
      expect(cohort).toHaveLength(10);
      expect(cohort.slice(0, 2)).toEqual([0, 1]);
    }
    expect(new Set(cohorts.map(String)).size).toBe(50);
  });

  it('takes devices without ratings only when there are no others', () => {
    for (let round = 1; round <= 100; round++)
      expect(sampler('activity', [0, 3, 0, 9, 0], 3)(round)).toEqual(expect.arrayContaining([1, 3]));
    expect(sampler('activity', [0, 0, 0], 2)(1)).toHaveLength(2);
  });
});

describe('available sampling', () => {
  const READY = ['charging', 'charging', 'reachable', 'away', 'charging', 'reachable', 'away', 'away'] as const;
  const choose = (size: number, busy: readonly number[] = [], round = 1, devices?: number): readonly DeviceId[] => {
    const made = createSampler({ ...optionsFor('available', Array(8).fill(1), size), checkIn: (device) => READY[device]! });
    return made.choose({ round, size, busy: new Set(busy.map(deviceId)), now: seconds(0), ...(devices !== undefined && { devices }) });
  };

  it('takes those on the plug first, then those merely reachable, never who is away', () => {
    for (let round = 1; round < 20; round++) {
      expect(choose(3, [], round)).toEqual([0, 1, 4]);
      expect(choose(4, [], round)).toEqual(expect.arrayContaining([0, 1, 4]));
      expect(choose(8, [], round)).toEqual([0, 1, 2, 4, 5]);
    }
    expect(new Set(Array.from({ length: 20 }, (_, round) => choose(4, [], round + 1).join())).size).toBe(2);
  });

  it('leaves out who is at work, and who does not take part yet', () => {
    expect(choose(8, [0, 5])).toEqual([1, 2, 4]);
    expect(choose(8, [], 1, 3)).toEqual([0, 1, 2]);
  });

  it('asks at the virtual time it is', () => {
    const made = createSampler({
      ...optionsFor('available', [1, 1], 2),
      checkIn: (device, now) => (now > 10 || device === 0 ? 'charging' : 'away'),
    });
    const at = (now: number) => made.choose({ round: 1, size: 2, busy: new Set(), now: seconds(now) });
    expect([at(10), at(11)]).toEqual([[0], [0, 1]]);
  });
});

describe.each(['uniform', 'activity', 'available', 'round-robin'] as const)('%s sampling', (sampling) => {
  it('asks nobody who is still at work, and as many others as there are', () => {
    for (const [devices, size, busy] of [
      [40, 4, [0, 3, 17]],
      [9, 4, [0, 3, 8]],
      [6, 4, [1, 2, 3]],
      [3, 2, [0, 1, 2]],
    ] as const) {
      const made = createSampler(optionsFor(sampling, Array(devices).fill(3), size));
      for (let round = 1; round < 40; round++) {
        const cohort = made.choose({ round, size, busy: new Set(busy.map(deviceId)), now: seconds(0) });
        expect(ascendingBelow(cohort, devices)).toBe(true);
        expect(cohort).toHaveLength(Math.min(size, devices - busy.length));
        for (const device of busy) expect(cohort).not.toContain(device);
      }
    }
  });

  it('remembers nothing but a place in an order', () => {
    const made = createSampler(optionsFor(sampling, Array(9).fill(3), 4));
    expect(made.state()).toBe(sampling === 'round-robin' ? 0 : null);
    expect(() => made.restore(made.state())).not.toThrow();
  });
});

it('activity sampling draws as by activity around those who are at work, in a fleet much larger than its cohort', () => {
  const weights = [1, 2, 4, 8, 16, 100, ...Array(4).fill(0)];
  const made = createSampler(optionsFor('activity', weights, 1));
  const counts = new Uint32Array(weights.length);
  const rounds = 20_000;
  for (let round = 1; round <= rounds; round++)
    for (const device of made.choose({ round, size: 1, busy: new Set([deviceId(5)]), now: seconds(0) })) counts[device]! += 1;
  expect([...counts.subarray(5)]).toEqual([0, 0, 0, 0, 0]);
  expect(chiSquare(counts.subarray(0, 5), (device) => (rounds * weights[device]!) / 31)).toBeLessThan(chiSquareLimit(4));
});

describe('round-robin sampling', () => {
  const ask = (made: ReturnType<typeof createSampler>, round: number, busy: readonly number[] = []): readonly DeviceId[] =>
    made.choose({ round, size: 3, busy: new Set(busy.map(deviceId)), now: seconds(0) });
  const learn = (made: ReturnType<typeof createSampler>, round: number, devices: readonly DeviceId[]): void =>
    made.learn(
      round,
      devices.map((device) => ({ device }) as ClientTask),
      [],
    );

  it('asks the same again where nobody was asked, and goes on behind the last who was, around the end', () => {
    const made = createSampler(optionsFor('round-robin', Array(7).fill(1), 3));
    const turns = [1, 2, 3].map((round) => {
      const cohort = ask(made, round);
      learn(made, round, []);
      expect(ask(made, round + 100)).toEqual(cohort);
      learn(made, round, cohort);
      return cohort;
    });
    // Nine asked of seven: the last two are the first again.
    const asked = turns.flat().map(Number);
    expect(new Set(asked).size).toBe(7);
    expect(turns[2]!.filter((device) => turns[0]!.includes(device))).toHaveLength(2);
  });

  it('goes on from its saved place as if nothing had happened, and in another order for another seed', () => {
    const made = createSampler(optionsFor('round-robin', Array(7).fill(1), 3));
    learn(made, 1, ask(made, 1));
    const again = createSampler(optionsFor('round-robin', Array(7).fill(1), 3));
    again.restore(made.state());
    expect(ask(again, 2)).toEqual(ask(made, 2));
    const firsts = Array.from({ length: 8 }, (_, seed) =>
      ask(createSampler(optionsFor('round-robin', Array(7).fill(1), 3, seed)), 1).join(),
    );
    expect(new Set(firsts).size).toBeGreaterThan(3);
    for (const place of [-1, 7, 0.5, '1', null]) expect(() => again.restore(place)).toThrow('no place in the order');
    for (const place of [0, 6]) expect(() => again.restore(place)).not.toThrow();
  });

  it('asks everybody once before it asks anybody twice, whatever becomes of them', () => {
    const made = createSampler(optionsFor('round-robin', Array(12).fill(1), 3));
    const asked: number[] = [];
    for (let round = 1; round <= 8; round++) {
      const cohort = made.choose({ round, size: 3, busy: new Set(), now: seconds(0) });
      asked.push(...cohort);
      made.learn(
        round,
        cohort.map((device) => ({ device }) as ClientTask),
        [],
      );
    }
    for (const turn of [asked.slice(0, 12), asked.slice(12)])
      expect(turn.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });
});

it.each(['uniform', 'activity', 'available'] as const)(
  '%s sampling draws from the first devices alone, where stages say so',
  (sampling) => {
    const made = createSampler(optionsFor(sampling, Array(50).fill(3), 4));
    for (let round = 1; round < 60; round++) {
      const cohort = made.choose({ round, size: 4, busy: new Set(), now: seconds(0), devices: 9 });
      expect(cohort).toHaveLength(4);
      expect(Math.max(...cohort)).toBeLessThan(9);
    }
  },
);
