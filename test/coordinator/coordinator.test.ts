import { describe, expect, it } from 'vitest';
import { MetafleetError } from '../../src/base/errors.js';
import { deviceId } from '../../src/base/units.js';
import { digestOf } from '../../src/coordinator/checkpoint/digest.js';
import { SAMPLER } from '../../src/coordinator/sampling/registry.js';
import { transition } from '../../src/device/actor/actor.js';
import { ratingsOf } from '../../src/device/actor/columns.js';
import type { Update } from '../../src/messages/message.js';
import {
  contextFor,
  createFakeEngine,
  type Engine,
  type InProcessOptions,
  refusal,
  refuseAll,
  type Setup,
  type Shared,
  type Started,
  samplerOf,
  settingsOf,
  shareAmongTests,
  startCoordinator,
} from '../support/coordinator/in-process-coordinator.js';
import { partScore } from '../support/device/small-world.js';

let shared: Shared;
let engine: Engine;

const start = (setup?: Setup): Started => startCoordinator(engine, setup);

shareAmongTests(createFakeEngine, (made) => {
  shared = made;
  ({ engine } = made);
});

const digest = (): string => digestOf(engine.server.tensors);

describe('cold devices', () => {
  it.each(SAMPLER.builtIns.map(({ name }) => name))('are never asked to train by %s sampling, and are measured', async (name) => {
    const cold = { ...engine, world: { ...engine.world, cold: 4 } };
    const { coordinator, devices } = startCoordinator(cold, { settings: { sampler: samplerOf(name), cohort: 3 } });
    await coordinator.train(6);
    const trained = new Set(devices.sent.flat().map(({ device }) => Number(device)));
    expect(Math.max(...trained)).toBe(7);
    expect(trained.size).toBeGreaterThan(3);
    devices.sent.length = 0;
    await coordinator.evaluate();
    expect(new Set(devices.sent.flat().map(({ device }) => Number(device))).size).toBe(12);
  });
});

describe('a round', () => {
  it('moves Θ, and reports its work as an event', async () => {
    const [before, began] = [digest(), performance.now()];
    const { coordinator, events, devices } = start();
    expect(await coordinator.train(1)).toMatchObject({ round: 1, ran: 1 });
    expect(digest()).not.toBe(before);
    expect(events).toHaveLength(1);
    const [event] = events;
    const updates = devices.sent.flat().map((message) => transition(contextFor(engine), message).reply as Update);
    const loss = updates.reduce((sum, update) => sum + update.loss, 0);
    const ratings = updates.reduce((sum, { count }) => sum + count, 0);
    expect(event).toMatchObject({ type: 'round', round: 1, epoch: 1, cohort: 5, ratings, clipped: false, retries: 0, activated: 5 });
    expect(event!.loss).toBeCloseTo(loss / ratings, 12);
    expect(event!.gradientNorm).toBeGreaterThan(0);
    expect(event!.traffic.map(({ kind, direction, messages }) => [kind, direction, messages])).toEqual([
      ['model', 'down', 5],
      ['update', 'up', 5],
    ]);
    const phases = Object.values(event!.phases);
    expect(phases.every((time) => time >= 0)).toBe(true);
    expect(phases.reduce((sum, time) => sum + time, 0)).toBeCloseTo(event!.millis, 6);
    expect(event!.millis).toBeLessThanOrEqual(performance.now() - began);
  });

  it('moves Θ the same way in full and in subset delivery, with and without decoys', async () => {
    const digests = new Set<string>();
    for (const delivery of ['full', 'subset'] as const) {
      for (const decoys of [0, 3]) {
        shared.renew();
        await start({ settings: { delivery }, decoys, ratings: 2 }).coordinator.train(4);
        digests.add(digest());
      }
    }
    expect(digests.size).toBe(1);
  });

  it('moves Θ in another way with another learning rate or seed', async () => {
    const digests = new Set<string>();
    for (const settings of [{}, { schedule: { ...settingsOf().schedule, rate: 0.02 } }, { seed: 2 }]) {
      shared.renew();
      await start({ settings }).coordinator.train(1);
      digests.add(digest());
    }
    expect(digests.size).toBe(3);
  });

  it('counts only devices that did not refuse', async () => {
    const refused: number[] = [];
    const answer: InProcessOptions['answer'] = (down, honest) => {
      if (down.kind !== 'model' || down.device % 2 === 0) return honest();
      refused.push(down.device);
      return refusal(down);
    };
    const { coordinator, events } = start({ answer, settings: { cohort: 12, roundsPerEpoch: 1 } });
    await coordinator.train(1);
    expect(refused).toEqual([1, 3, 5, 7, 9, 11]);
    expect(events[0]!.outcomes).toMatchObject({ assigned: 12, trained: 6, refused: { other: 6 }, dropped: {}, rejected: {}, inFlight: 0 });
    expect(events[0]!.staleness).toEqual([6]);
    const { columns } = contextFor(engine);
    const expected = [0, 2, 4, 6, 8, 10].reduce((sum, device) => sum + ratingsOf(columns, 'train', deviceId(device)).items.length, 0);
    expect(events[0]).toMatchObject({ cohort: 12, ratings: expected });
    const some = digest();

    shared.renew();
    await start({ settings: { cohort: 12, roundsPerEpoch: 1 } }).coordinator.train(1);
    expect(digest()).not.toBe(some);
  });

  it.each([
    ['full', 'model'],
    ['subset', 'assign'],
    ['subset', 'model'],
  ] as const)('in %s delivery leaves Θ as it was when every device refuses the %s', async (delivery, kind) => {
    const before = digest();
    const { coordinator, events } = start({ settings: { delivery }, answer: refuseAll(kind) });
    expect(await coordinator.train(2)).toEqual({ round: 2, ran: 2, loss: null, isOver: false, isSpent: false });
    expect(digest()).toBe(before);
    expect(events[1]).toMatchObject({ round: 2, ratings: 0, loss: null, gradientNorm: 0, clipped: false });

    // Such rounds do not change those after them, either.
    await start().coordinator.train(1);
    const after = digest();
    shared.renew();
    await start().coordinator.train(1);
    expect(digest()).toBe(after);
  });

  /** A round in which every device but device 3 is honest, and Θ after the same round without device 3. */
  const withoutDevice3 = async (answer: NonNullable<InProcessOptions['answer']>) => {
    const { coordinator, events } = start({ answer, settings: { cohort: 12, roundsPerEpoch: 1 } });
    await coordinator.train(1);
    const moved = digest();
    shared.renew();
    const shy: InProcessOptions['answer'] = (down, honest) => (down.kind === 'model' && down.device === 3 ? refusal(down) : honest());
    await start({ answer: shy, settings: { cohort: 12, roundsPerEpoch: 1 } }).coordinator.train(1);
    return { event: events[0]!, moved, expected: digest() };
  };

  it('counts and explains an answer of the wrong kind, which changes nothing', async () => {
    const nothing = partScore(0, 0, 0);
    const { event, moved, expected } = await withoutDevice3(({ kind, round, device }, honest) =>
      kind === 'model' && device === 3 ? { kind: 'score', round, device, valid: nothing, test: nothing } : honest(),
    );
    expect(moved).toBe(expected);
    expect(event.outcomes).toMatchObject({ assigned: 12, trained: 11, rejected: { kind: 1 } });
    expect(event.rejections).toEqual(['answer of device 3: expected update or refuse, found score']);
  });

  it('counts and explains an update of the wrong form, which changes nothing', async () => {
    const { event, moved, expected } = await withoutDevice3((_, honest) => {
      const reply = honest();
      return reply.kind === 'update' && reply.device === 3 ? { ...reply, tensors: reply.tensors.slice(1) } : reply;
    });
    expect(moved).toBe(expected);
    expect(event.outcomes).toMatchObject({ assigned: 12, trained: 11, rejected: { shape: 1 } });
    expect(event.rejections).toEqual([expect.stringMatching(/^update of device 3: expected 2 tensors, found 1$/)]);
  });

  it('that a lost host interrupts runs again, to the same Θ', async () => {
    await start().coordinator.train(3);
    const undisturbed = digest();
    shared.renew();
    let deaths = 0;
    const answer: InProcessOptions['answer'] = ({ device }, honest) => {
      // Round 2 takes the second to fourth exchange. The host of the later devices dies in one, every host in the next.
      const dies = (devices.opened() === 2 && device > 5) || devices.opened() === 3;
      if (!dies) return honest();
      deaths += 1;
      return new MetafleetError('HOST_LOST', 'host 0 died');
    };
    const { coordinator, devices, events } = start({ answer });
    expect(await coordinator.train(3)).toMatchObject({ round: 3, ran: 3 });
    expect(deaths, 'some of the first cohort, all of the second').toBeGreaterThan(5);
    expect(events.map(({ round, retries }) => [round, retries])).toEqual([
      [1, 0],
      [2, 2],
      [3, 0],
    ]);
    expect(digest()).toBe(undisturbed);
  });

  it('that fails for another reason is not tried again', async () => {
    const { coordinator, devices } = start({ answer: () => new Error('out of memory') });
    await expect(coordinator.train(1)).rejects.toThrow('out of memory');
    expect(devices.opened()).toBe(1);
  });
});
