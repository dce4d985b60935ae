import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { MetaMFServer } from '../../../src/algorithms/metamf/server.js';
import type { ClientUpdate } from '../../../src/algorithms/port/server.js';
import { type DeviceId, seconds } from '../../../src/base/units.js';
import { digestOf } from '../../../src/coordinator/checkpoint/digest.js';
import { type CoordinatorOptions, createCoordinator } from '../../../src/coordinator/coordinator.js';
import type { PolicySettings, RoundSettings } from '../../../src/coordinator/settings.js';
import type { RoundFinished } from '../../../src/events/round.js';
import type { Message } from '../../../src/messages/message.js';
import {
  contextFor,
  costOf,
  createEngine,
  createFakeEngine,
  createInProcess,
  type Engine,
  meanOf,
  PLAIN_ROUNDS,
  type Shared,
  samplerOf,
  settingsOf,
  shareAmongTests,
  startCoordinator,
  WHOLE,
} from '../../support/coordinator/in-process-coordinator.js';

/** Rounds of devices that take virtual time: device d takes d + 1 seconds for its model, and those of `SILENT` never answer. */
const SILENT = 7;
const DEVICES = 12;
const FLEET = {
  profiles: [
    { name: 'phone', devices: 8 },
    { name: 'watch', devices: 4 },
  ],
};
const profileOf = (device: DeviceId): number => (device < 8 ? 0 : 1);

let shared: Shared;
let engine: Engine;
let folder: string;
shareAmongTests(
  () => createFakeEngine({ each: true }),
  (made) => {
    shared = made;
    ({ engine, folder } = made);
  },
);

const account = (down: Message) => ({
  ...costOf(down.kind === 'assign' ? 0 : down.device + 1, down.device === SILENT ? 'during' : null),
  profile: profileOf(down.device),
});

type Changes = Partial<Omit<RoundSettings, 'policy'>> & { readonly policy?: Partial<PolicySettings> };

const start = ({ policy = {}, ...settings }: Changes = {}, options: Partial<CoordinatorOptions> = {}) => {
  const devices = createInProcess({ context: contextFor(engine), account });
  const events: RoundFinished[] = [];
  const accumulated: (readonly ClientUpdate[])[] = [];
  const prepared: (readonly DeviceId[])[] = [];
  const server = {
    ...engine.server,
    prepare: (...[cohort, round]: Parameters<typeof engine.server.prepare>) => {
      prepared.push(cohort.map(({ device }) => device));
      engine.server.prepare(cohort, round);
    },
    accumulate: (updates: readonly ClientUpdate[]) => {
      accumulated.push(updates);
      engine.server.accumulate!(updates);
    },
  };
  const coordinator = createCoordinator({
    ...engine,
    server,
    devices,
    settings: settingsOf({ fleet: FLEET, sampler: samplerOf('round-robin'), ...settings, policy: { ...PLAIN_ROUNDS.policy, ...policy } }),
    activity: new Uint32Array(DEVICES).fill(3),
    aggregator: meanOf(engine),
    emit: (event) => events.push(event),
    ...options,
  });
  return { coordinator, devices, events, accumulated, prepared };
};
const digest = (): string => digestOf(engine.server.tensors);
const ids = (updates: readonly { readonly device: DeviceId }[]): number[] => updates.map(({ device }) => device);

describe('rounds in virtual time', () => {
  it('follow one another, each until its end', async () => {
    const { coordinator, events, devices } = start({ cohort: DEVICES });
    await coordinator.train(2);
    expect(events.map(({ virtual }) => [virtual!.start, virtual!.end])).toEqual([
      [0, 600],
      [600, 1200],
    ]);
    expect([...new Set(devices.times.flat())]).toEqual([0, 600]);
    const [{ virtual, outcomes }] = events as [RoundFinished];
    expect(outcomes).toMatchObject({ assigned: DEVICES, trained: DEVICES - 1, dropped: { during: 1 } });
    expect(virtual!.profiles.map(({ name, assigned, trained, dropped }) => [name, assigned, trained, dropped])).toEqual([
      ['phone', 8, 7, 1],
      ['watch', 4, 4, 0],
    ]);
  });

  it('take none where no fleet is simulated', async () => {
    const { coordinator, events, devices } = start({ fleet: null, cohort: DEVICES });
    await coordinator.train(2);
    expect(events.map(({ virtual }) => virtual)).toEqual([null, null]);
    expect(devices.times).toEqual([undefined, undefined]);
    expect((await coordinator.evaluate()).virtualTime).toBeNull();
  });

  it('are what a measurement is dated by, which takes no time itself', async () => {
    const { coordinator, events } = start({ cohort: 4, policy: { kind: 'fastest', overSelection: 2 } });
    expect((await coordinator.evaluate()).virtualTime).toBe(0);
    await coordinator.train(1);
    // Eight are asked, and the round ends with the fourth update.
    expect(events[0]).toMatchObject({ cohort: 8, outcomes: { assigned: 8, trained: 4 } });
    for (let times = 0; times < 2; times++) expect((await coordinator.evaluate()).virtualTime).toBe(events[0]!.virtual!.end);
  });

  it('wait for their devices to arrive where stages say so, and count who was asked', async () => {
    const arrivals = {
      unit: 'virtual',
      list: [
        { length: 0, arrivals: 0.01 },
        { length: 1e6, arrivals: 0.01 },
      ],
    } as const;
    const { coordinator, events, devices } = start({ cohort: 6, stages: arrivals, policy: { timeout: seconds(10) } });
    await coordinator.train(3);
    const starts = events.map(({ virtual }) => virtual!.start);
    // One device in a hundred seconds.
    for (const [index, time] of starts.entries()) expect(time).toBeCloseTo(600 * (index + 1), 3);
    expect(devices.times[0]![0]).toBe(starts[0]);
  });

  it('end by the wall clock where stages are counted in it', async () => {
    const none = { unit: 'wall', list: [{ length: 0 }] } as const;
    expect(await start({ stages: none }).coordinator.train(2)).toMatchObject({ round: 0, ran: 0, isOver: true });
    const hour = { unit: 'wall', list: [{ length: 3600 }] } as const;
    expect(await start({ stages: hour }).coordinator.train(9)).toMatchObject({ round: 9, ran: 9, isOver: false });
  });

  it('take as many devices, of as many, as the stage they are in', async () => {
    const list = [{ length: 0, cohort: 2, devices: 3 }, { length: 2 }, { length: 0, cohort: 5, devices: 6 }, { length: 2 }];
    const { coordinator, events, devices } = start({ sampler: samplerOf('uniform'), cohort: 9, stages: { unit: 'rounds', list } });
    expect(await coordinator.train(9)).toMatchObject({ round: 4, ran: 4, isOver: true });
    expect(events.map(({ cohort }) => cohort)).toEqual([2, 2, 5, 5]);
    const asked = devices.sent.filter(([message]) => message!.kind === 'assign').map((messages) => Math.max(...ids(messages)));
    expect(asked.slice(0, 2).every((device) => device < 3)).toBe(true);
    expect(asked.slice(2).every((device) => device < 6)).toBe(true);
  });
});

describe('buffered rounds', () => {
  const BUFFERED: Changes = { cohort: 3, delivery: 'subset', policy: { kind: 'buffered', concurrency: 9, timeout: seconds(40) } };

  it('step Θ by updates of older models for what those weigh, through Θ as it is now', async () => {
    const { coordinator, events, accumulated, prepared } = start(BUFFERED);
    await coordinator.train(3);
    expect(events.slice(0, 2).map(({ staleness }) => staleness)).toEqual([[3], [0, 3]]);
    const answering = prepared[0]!.filter((device) => device !== SILENT);
    expect(accumulated.slice(0, 2).map(ids)).toEqual([answering.slice(0, 3), answering.slice(3, 6)]);
    // Each round prepares who is asked, and then who has answered.
    expect(prepared[0]).toHaveLength(9);
    expect(prepared[1]).toEqual(answering.slice(0, 3));
    const { outcomes } = events[1]!;
    expect(outcomes).toMatchObject({ carried: 6, assigned: 3, inFlight: 6 });
  });

  it('weigh an update by its age, and a fresh one in full', async () => {
    const { coordinator, accumulated } = start(BUFFERED);
    const plain = start({ ...BUFFERED, policy: { ...BUFFERED.policy, weighting: 'constant' } });
    await coordinator.train(2);
    shared.renew();
    await plain.coordinator.train(2);
    for (const [round, weight] of [1, Math.SQRT1_2].entries()) {
      const [weighed, whole] = [accumulated[round]!, plain.accumulated[round]!];
      expect(ids(weighed)).toEqual(ids(whole));
      weighed.forEach(({ tensors, count }, index) => {
        expect(count).toBe(whole[index]!.count);
        tensors.forEach((values, at) => expect(values).toEqual(whole[index]!.tensors[at]!.map((value) => weight * value)));
      });
    }
  });

  it('prepare and step nothing where nobody has answered', async () => {
    const { coordinator, events, prepared, accumulated } = start(
      { ...BUFFERED, sampler: samplerOf('available') },
      { checkIn: (device) => (device === SILENT ? 'charging' : 'away') },
    );
    const before = digest();
    await coordinator.train(2);
    expect(events.map(({ outcomes }) => outcomes.dropped)).toEqual([{ during: 1 }, { during: 1 }]);
    expect([prepared, accumulated]).toEqual([[[SILENT], [SILENT]], []]);
    expect(digest()).toBe(before);
  });

  it('ask nobody while enough are at work', async () => {
    const { coordinator, events, prepared } = start({ ...BUFFERED, cohort: 1, policy: { ...BUFFERED.policy, maxStaleness: 0 } });
    await coordinator.train(2);
    // Device 1 arrives with the model of a step ago: too old.
    expect(events[1]).toMatchObject({ cohort: 1, ratings: 0, loss: null, outcomes: { trained: 0, rejected: { stale: 1 } } });
    expect(prepared.map((cohort) => cohort.length)).toEqual([9, 1, 1]);
  });

  it.each(['round-robin', 'oort'] as const)('go on from a checkpoint with those at work and what was learned: %s', async (sampling) => {
    const straight = start({ ...BUFFERED, sampler: samplerOf(sampling) });
    await straight.coordinator.train(3);
    const path = join(folder, `${sampling}.checkpoint`);
    await straight.coordinator.save(path, 'state', WHOLE);
    await straight.coordinator.train(7);
    const expected = digest();
    shared.renew();
    const resumed = start({ ...BUFFERED, sampler: samplerOf(sampling) });
    expect(resumed.coordinator.restore(path)).toEqual({ round: 3, run: 'state' });
    await resumed.coordinator.train(7);
    expect(digest()).toBe(expected);
    const told = (events: readonly RoundFinished[]) =>
      events.map(({ round, outcomes, virtual, staleness }) => ({ round, outcomes, virtual, staleness }));
    expect(told(resumed.events)).toEqual(told(straight.events.slice(3)));
  });
});

describe('devices that check in', () => {
  it('are asked where they are there, at the time it is; all are where nothing is said', async () => {
    const asked: (readonly [number, number])[] = [];
    const { coordinator, devices } = start(
      { sampler: samplerOf('available'), cohort: 4 },
      {
        checkIn: (device, now) => {
          asked.push([device, now]);
          return device % 3 === 0 ? 'charging' : 'away';
        },
      },
    );
    await coordinator.train(2);
    expect(new Set(devices.sent.flat().map(({ device }) => Number(device)))).toEqual(new Set([0, 3, 6, 9]));
    expect(new Set(asked.map(([, now]) => now))).toEqual(new Set([0, 10]));
    const everyone = start({ sampler: samplerOf('available'), cohort: DEVICES });
    await everyone.coordinator.train(1);
    expect(everyone.events[0]!.cohort).toBe(DEVICES);
  });
});

it('a round explains the first eight of the updates it throws away, and counts all', async () => {
  const { coordinator, events } = start({ cohort: DEVICES, defence: { normMultiple: 0, mostNorm: 1e-12 } });
  await coordinator.train(1);
  expect(events[0]!.outcomes).toMatchObject({ trained: 0, rejected: { norm: DEVICES - 1 } });
  expect(events[0]!.rejections).toHaveLength(8);
  expect(events[0]!.rejections[0]).toMatch(/^update of device 0: expected a norm per rating of at most 1e-12, found /);
});

it('a coordinator tells how much memory its kernels hold, each memory once', async () => {
  const metamf = await createEngine();
  onTestFinished(() => metamf.server.close());
  const { coordinator, events } = startCoordinator(metamf, { settings: { cohort: 2 } });
  await coordinator.train(1);
  const { parameters } = metamf.server as MetaMFServer;
  const memories = new Set(parameters.map(({ arena }) => arena.memory));
  expect(parameters.length).toBeGreaterThan(memories.size);
  expect(events[0]!.kernelBytes).toBe([...memories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0));
  expect(coordinator.parameters).toBe(parameters.reduce((sum, { weights: _, blocks, size }) => sum + blocks * size, 0));
  expect(coordinator.kernels).toBe(metamf.server.kernels);
});
