import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { MetafleetError } from '../../src/base/errors.js';
import { deviceId } from '../../src/base/units.js';
import { digestOf } from '../../src/coordinator/checkpoint/digest.js';
import { createCoordinator } from '../../src/coordinator/coordinator.js';
import { evaluate } from '../../src/coordinator/evaluation/evaluate.js';
import { constantRate } from '../../src/coordinator/schedule.js';
import { transition } from '../../src/device/actor/actor.js';
import { ratingsOf } from '../../src/device/actor/columns.js';
import { createMeasure } from '../../src/device/actor/measure.js';
import type { RoundFinished } from '../../src/events/round.js';
import type { Message, Update } from '../../src/messages/message.js';
import {
  contextFor,
  createEngine,
  createFakeEngine,
  createInProcess,
  createShared,
  type Engine,
  type InProcessOptions,
  meanOf,
  refusal,
  type Setup,
  type Shared,
  type Started,
  samplerFor,
  settingsOf,
  startCoordinator,
} from '../support/coordinator/in-process-coordinator.js';
import { MEASURED, partScore } from '../support/device/small-world.js';

let shared: Shared;
let engine: Engine;

const start = (setup?: Setup): Started => startCoordinator(engine, setup);

beforeAll(async () => {
  shared = await createShared(createFakeEngine());
  ({ engine } = shared);
});
afterAll(() => shared.close());
beforeEach(() => shared.renew());

const refuseAll =
  (kind: Message['kind']): NonNullable<InProcessOptions['answer']> =>
  (down, honest) =>
    down.kind === kind ? refusal(down) : honest();
const digest = (): string => digestOf(engine.server.tensors);

describe('a round', () => {
  it('moves Θ, and tells what it did', async () => {
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

  it('moves Θ another way when the learning rate or the seed is another', async () => {
    const digests = new Set<string>();
    for (const settings of [{}, { schedule: { ...settingsOf().schedule, rate: 0.02 } }, { seed: 2 }]) {
      shared.renew();
      await start({ settings }).coordinator.train(1);
      digests.add(digest());
    }
    expect(digests.size).toBe(3);
  });

  it('counts only who did not refuse', async () => {
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
  ] as const)('in %s delivery leaves Θ as it was when everyone refuses the %s', async (delivery, kind) => {
    const before = digest();
    const { coordinator, events } = start({ settings: { delivery }, answer: refuseAll(kind) });
    expect(await coordinator.train(2)).toEqual({ round: 2, ran: 2, loss: 0, isOver: false });
    expect(digest()).toBe(before);
    expect(events[1]).toMatchObject({ round: 2, ratings: 0, loss: 0, gradientNorm: 0, clipped: false });

    // Nor does anything of such rounds reach the ones after them.
    await start().coordinator.train(1);
    const after = digest();
    shared.renew();
    await start().coordinator.train(1);
    expect(digest()).toBe(after);
  });

  /** Everyone but device 3 is honest; the same without her. */
  const withoutHer = async (answer: NonNullable<InProcessOptions['answer']>) => {
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
    const { event, moved, expected } = await withoutHer(({ kind, round, device }, honest) =>
      kind === 'model' && device === 3 ? { kind: 'score', round, device, valid: nothing, test: nothing } : honest(),
    );
    expect(moved).toBe(expected);
    expect(event.outcomes).toMatchObject({ assigned: 12, trained: 11, rejected: { kind: 1 } });
    expect(event.rejections).toEqual(['answer of device 3: expected update or refuse, found score']);
  });

  it('counts and explains an update of the wrong form, which changes nothing', async () => {
    const { event, moved, expected } = await withoutHer((_, honest) => {
      const reply = honest();
      return reply.kind === 'update' && reply.device === 3 ? { ...reply, tensors: reply.tensors.slice(1) } : reply;
    });
    expect(moved).toBe(expected);
    expect(event.outcomes).toMatchObject({ assigned: 12, trained: 11, rejected: { shape: 1 } });
    expect(event.rejections).toEqual([expect.stringMatching(/^update of device 3: expected 2 tensors, found 1$/)]);
  });

  it('that a lost host interrupts is run again, to the same Θ', async () => {
    await start().coordinator.train(3);
    const undisturbed = digest();
    shared.renew();
    let deaths = 0;
    const answer: InProcessOptions['answer'] = ({ device }, honest) => {
      // Round 2 takes the second to fourth exchange: the host of the later devices dies in one, every host in the next.
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

  it('that fails otherwise is not tried again', async () => {
    const { coordinator, devices } = start({ answer: () => new Error('out of memory') });
    await expect(coordinator.train(1)).rejects.toThrow('out of memory');
    expect(devices.opened()).toBe(1);
  });
});

describe('training', () => {
  it('runs up to the round asked for, and on from there', async () => {
    const { coordinator, events } = start();
    expect(await coordinator.train(2)).toMatchObject({ round: 2, ran: 2 });
    expect(await coordinator.train(2)).toMatchObject({ round: 2, ran: 0 });
    expect(await coordinator.train(4)).toMatchObject({ round: 4, ran: 2 });
    expect(events.map(({ round, epoch }) => [round, epoch])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 2],
    ]);
  });

  it('reports the mean loss over the ratings of the epoch so far', async () => {
    const { coordinator, events } = start();
    const mean = (rounds: readonly RoundFinished[]) =>
      rounds.reduce((sum, { loss, ratings }) => sum + loss * ratings, 0) / rounds.reduce((sum, { ratings }) => sum + ratings, 0);
    expect((await coordinator.train(2)).loss).toBeCloseTo(mean(events.slice(0, 2)), 12);
    expect((await coordinator.train(3)).loss).toBeCloseTo(mean(events.slice(0, 3)), 12);
    expect((await coordinator.train(5)).loss).toBeCloseTo(mean(events.slice(3, 5)), 12);
  });

  it('learns: the loss of the last epoch is below that of the first', async () => {
    const { coordinator, events } = start({ settings: { schedule: constantRate(0.01) } });
    await coordinator.train(90);
    const sum = (from: number) => events.slice(from, from + 3).reduce((total, { loss, ratings }) => total + loss * ratings, 0);
    expect(sum(87)).toBeLessThan(0.7 * sum(0));
  });

  it('ends after the round it is in when interrupted', async () => {
    const { coordinator, events } = start({
      answer: (down, honest) => {
        if (down.round === 2) coordinator.interrupt();
        return honest();
      },
    });
    expect(await coordinator.train(5)).toMatchObject({ round: 2, ran: 2 });
    expect(events).toHaveLength(2);
    expect(await coordinator.train(3)).toMatchObject({ round: 3, ran: 1 });
  });
});

describe('measuring', () => {
  it('adds up the errors of every device on both parts, in either delivery, and leaves Θ alone', async () => {
    const before = digest();
    const results = [];
    for (const evaluationDelivery of ['full', 'subset'] as const) {
      const { coordinator, devices } = start({ settings: { evaluationDelivery } });
      const began = performance.now();
      const measured = await coordinator.evaluate();
      expect(measured.millis).toBeGreaterThan(0);
      expect(measured.millis).toBeLessThanOrEqual(performance.now() - began);
      const sums = { valid: [0, 0, 0], test: [0, 0, 0] };
      for (const message of devices.sent.flat()) {
        if (message.kind !== 'model') continue;
        const answer = transition(contextFor(engine), message).reply;
        if (answer.kind !== 'score') return expect.fail(answer.kind);
        for (const part of ['valid', 'test'] as const)
          sums[part] = [
            sums[part][0]! + answer[part].count,
            sums[part][1]! + answer[part].sums[1]!,
            sums[part][2]! + answer[part].sums[3]!,
          ];
      }
      for (const part of ['valid', 'test'] as const) {
        const [count, absolute, squared] = sums[part] as [number, number, number];
        expect(count).toBe(24);
        expect(measured[part].count).toBe(count);
        expect(measured[part].metrics['mae']).toBeCloseTo(absolute / count, 12);
        expect(measured[part].metrics['mse']).toBeCloseTo(squared / count, 12);
      }
      expect(measured.traffic.every(({ kind }) => kind.startsWith('evaluation_') || kind === 'score')).toBe(true);
      results.push([measured.valid, measured.test]);
    }
    expect(results[0]).toEqual(results[1]);
    expect(digest()).toBe(before);
  });

  it.each(['full', 'subset'] as const)('in %s delivery leaves out who refuses', async (evaluationDelivery) => {
    for (const kind of ['assign', 'model'] as const) {
      const answer: InProcessOptions['answer'] = (down, honest) => (down.kind === kind && down.device < 3 ? refusal(down) : honest());
      const { valid, test } = await start({ settings: { evaluationDelivery }, answer }).coordinator.evaluate();
      const count = evaluationDelivery === 'full' && kind === 'assign' ? 24 : 18;
      expect([valid.count, test.count]).toEqual([count, count]);
    }
    const none = await start({ settings: { evaluationDelivery }, answer: refuseAll('model') }).coordinator.evaluate();
    expect(none.valid).toEqual({ count: 0, metrics: { mae: null, mse: null } });
  });

  it('tells the errors of groups of devices apart, from the same sums', async () => {
    const { algorithm, server } = engine;
    const devices = createInProcess({ context: contextFor(engine) });
    const context = {
      algorithm,
      server,
      devices,
      settings: settingsOf(),
      items: engine.world.items,
      dtype: 'f32',
      sampler: samplerFor(settingsOf(), new Uint32Array(12)),
      takeUpdates: () => {},
      beforeStep: async () => {},
    } as const;
    const some = { low: new Set([3]), medium: new Set([0, 5]), high: new Set(Array.from({ length: 12 }, (_, device) => device)) };
    const { groups, valid, test } = await evaluate(context, 1, 12, some, null);
    expect(groups.map(({ group, devices: size }) => [group, size])).toEqual([
      ['low', 1],
      ['medium', 2],
      ['high', 12],
    ]);
    expect(groups[2]).toMatchObject({ valid, test });
    const alone = transition(contextFor(engine), devices.sent.flat().find(({ kind, device }) => kind === 'model' && device === 3)!).reply;
    if (alone.kind !== 'score') return expect.fail(alone.kind);
    const { count, sums } = alone.test;
    expect(groups[0]!.test).toEqual({ count, metrics: { mae: sums[1]! / count, mse: sums[3]! / count } });
    expect(groups[1]!.test.count).toBe(4);
    // Too few devices to tell groups apart from devices.
    expect((await start().coordinator.evaluate()).groups).toEqual([]);
  });

  it('ends with MESSAGE at an answer of the wrong kind', async () => {
    const answer: InProcessOptions['answer'] = (down, honest) =>
      down.kind === 'model' && down.device === 3
        ? { kind: 'want', round: down.round, device: down.device, purpose: 'evaluate', rows: new Uint32Array(0) }
        : honest();
    await expect(start({ answer }).coordinator.evaluate()).rejects.toMatchObject({
      code: 'MESSAGE',
      message: /^answer of device 3: expected score/,
    });
  });

  it.each([
    [[], 0],
    [[1, 2, 3], 3],
    [[1, 2, 3, 4, 5], 5],
  ])('ends with MESSAGE at a score of sums %j, since the metrics have 4', async (sums, found) => {
    const answer: InProcessOptions['answer'] = (down, honest) =>
      down.kind === 'model' && down.device === 3
        ? { kind: 'score', round: down.round, device: down.device, valid: partScore(1, 1, 1), test: { count: 1, sums } }
        : honest();
    await expect(start({ answer }).coordinator.evaluate()).rejects.toMatchObject({
      code: 'MESSAGE',
      cause: 'sums',
      message: `score of device 3, test: expected 4 sums, found ${found}`,
    });
  });

  it('has any metrics that are named, null where nothing was measured', async () => {
    const engine = await createEngine();
    onTestFinished(() => engine.server.close());
    const metrics = ['auc', 'rmse', 'hr@3'];
    const context = { ...contextFor(engine), measure: createMeasure({ ...MEASURED, metrics, relevant: 3 }) };
    const devices = createInProcess({ context });
    const activity = new Uint32Array(engine.world.devices).fill(1);
    const measured = await createCoordinator({
      ...engine,
      devices,
      settings: settingsOf({ metrics }),
      aggregator: meanOf(engine),
      activity,
      emit: () => {},
    }).evaluate();
    for (const part of ['valid', 'test'] as const) {
      expect(Object.keys(measured[part].metrics)).toEqual(metrics);
      for (const value of Object.values(measured[part].metrics)) expect(value).toBeGreaterThan(0);
      for (const name of ['auc', 'hr@3']) expect(measured[part].metrics[name]).toBeLessThanOrEqual(1);
    }
    const nobody = createInProcess({ context, answer: (down) => refusal(down) });
    const none = await createCoordinator({
      ...engine,
      devices: nobody,
      settings: settingsOf({ metrics }),
      aggregator: meanOf(engine),
      activity,
      emit: () => {},
    }).evaluate();
    expect(none.test).toEqual({ count: 0, metrics: { auc: null, rmse: null, 'hr@3': null } });
  });

  it('is tried again when a host is lost', async () => {
    const expected = await start().coordinator.evaluate();
    const { coordinator, devices } = start({
      answer: (_, honest) => (devices.opened() === 1 ? new MetafleetError('HOST_LOST', 'host 0 died') : honest()),
    });
    const { valid, test } = await coordinator.evaluate();
    expect([valid, test]).toEqual([expected.valid, expected.test]);
  });
});
