import { describe, expect, it } from 'vitest';
import { random } from '../base/random.js';
import { type Bytes, type DeviceId, deviceId, joules, seconds } from '../base/units.js';
import type { ClientTask } from '../coordinator/round/client-task.js';
import { guardSampler } from '../coordinator/sampling/guard-sampler.js';
import { SAMPLER } from '../coordinator/sampling/registry.js';
import type { Sampler, SamplerContext, SamplerDefinition } from '../coordinator/sampling/sampler.js';
import { definitionProblem } from '../definitions/kind.js';

export type SamplerConformanceOptions = {
  /** Options of the definition, over its defaults. */
  readonly options?: Readonly<Record<string, unknown>>;
};

const DEVICES = 23;
const COHORT = 5;
const NONE: ReadonlySet<DeviceId> = new Set();

const contextOf = (seed: number): SamplerContext => ({
  random: (...keys) => random(seed, ...keys),
  devices: DEVICES,
  cohort: COHORT,
  roundsPerEpoch: Math.ceil(DEVICES / COHORT),
  activity: Uint32Array.from({ length: DEVICES }, (_, device) => 1 + ((7 * device) % 13)),
  checkIn: (device) => (device % 3 === 0 ? 'reachable' : 'charging'),
});

/** A device that was asked in a round and sent an update. */
const taskOf = (device: DeviceId, round: number): ClientTask => ({
  ...{ device, round, sent: seconds(round), arrives: seconds(round + 1) },
  cost: {
    ...{ device, profile: 0, lost: null, down: seconds(1), compute: seconds(1 + device), up: seconds(1) },
    ...{ bytesDown: 1 as Bytes, bytesUp: 1 as Bytes, operations: 1, energy: joules(1) },
    used: { memory: 0, storage: 0, dataPlan: 0, battery: 0, compute: 0 },
  },
  outcome: { kind: 'update', loss: 1 + device, update: { device, count: 1, rows: new Uint32Array(0), tensors: [] } },
});

/** Cohorts of rounds first … last, each learned from. */
const play = (sampler: Sampler, first: number, last: number): readonly (readonly DeviceId[])[] =>
  Array.from({ length: last - first + 1 }, (_, at) => {
    const round = first + at;
    const cohort = sampler.choose({ round, size: COHORT, busy: NONE, now: seconds(round) });
    const tasks = cohort.map((device) => taskOf(device, round));
    sampler.learn(round, tasks, tasks.slice(1));
    return cohort;
  });

/** The promises of the sampler port (coordinator/sampling/sampler.ts), as Vitest tests: `import { samplerConformance } from 'metafleet/testing'`. */
export const samplerConformance = (definition: SamplerDefinition, { options = {} }: SamplerConformanceOptions = {}): void => {
  const create = (seed = 1): Sampler => guardSampler(definition, definition.name, definition.options.parse(options), contextOf(seed));

  describe(`sampler ${definition.name}`, () => {
    it('is a definition: name, version, described options with defaults, traits', () => {
      expect(definitionProblem(SAMPLER, definition as unknown)).toBeUndefined();
    });

    it('chooses distinct devices in ascending order, as many as asked for', () => {
      const cohorts = play(create(), 1, 20);
      const { anySize = false } = definition.traits;
      const short = definition.traits.everyDeviceOnce ? DEVICES % COHORT : COHORT;
      for (const cohort of cohorts) {
        if (!anySize) expect([COHORT, short]).toContain(cohort.length);
        expect(cohort.every((device, at) => at === 0 || device > cohort[at - 1]!)).toBe(true);
      }
    });

    it('follows from the seed: the same cohorts each time, others for another seed', () => {
      const cohorts = play(create(), 1, 8);
      expect(play(create(), 1, 8)).toEqual(cohorts);
      expect(play(create(2), 1, 8)).not.toEqual(cohorts);
    });

    it('changes nothing when it chooses: a round that is run again asks the same devices', () => {
      const sampler = create();
      play(sampler, 1, 3);
      const again = () => sampler.choose({ round: 4, size: COHORT, busy: NONE, now: seconds(4) });
      expect(again()).toEqual(again());
    });

    it('goes on from its state, as plain data, with the same cohorts', () => {
      const [straight, resumed] = [create(), create()];
      play(straight, 1, 7);
      resumed.restore(structuredClone(straight.state()));
      expect(play(resumed, 8, 14)).toEqual(play(straight, 8, 14));
    });

    if (!definition.traits.everyDeviceOnce)
      it('leaves out devices that are still at work', () => {
        const busy = new Set([0, 1, 2, 3, 5, 8, 13].map(deviceId));
        for (let round = 1; round <= 20; round++) {
          const cohort = create().choose({ round, size: DEVICES - busy.size, busy, now: seconds(round) });
          expect(cohort.some((device) => busy.has(device))).toBe(false);
        }
      });

    if (definition.traits.heedsStages)
      it('leaves out devices that take no part yet', () => {
        for (let round = 1; round <= 20; round++) {
          const cohort = create().choose({ round, size: COHORT, busy: NONE, now: seconds(round), devices: 9 });
          if (definition.traits.anySize !== true) expect(cohort.length).toBe(COHORT);
          expect(cohort.every((device) => device < 9)).toBe(true);
        }
      });

    if (definition.traits.everyDeviceOnce)
      it('asks every device once an epoch', () => {
        const rounds = Math.ceil(DEVICES / COHORT);
        const asked = play(create(), rounds + 1, 2 * rounds).flat();
        expect(asked.toSorted((a, b) => a - b)).toEqual(Array.from({ length: DEVICES }, (_, device) => device));
      });
  });
};
