import { describe, expect, it } from 'vitest';
import { MetafleetError } from '../../../src/base/errors.js';
import { digestOf } from '../../../src/coordinator/checkpoint/digest.js';
import { createCoordinator } from '../../../src/coordinator/coordinator.js';
import { evaluate } from '../../../src/coordinator/evaluation/evaluate.js';
import { constantRate } from '../../../src/coordinator/schedule.js';
import { transition } from '../../../src/device/actor/actor.js';
import { createMeasure } from '../../../src/device/actor/measure.js';
import { NO_SERVER_STEPS } from '../../../src/updates/server-steps.js';
import {
  contextFor,
  createFakeEngine,
  createInProcess,
  type Engine,
  type InProcessOptions,
  meanOf,
  refusal,
  refuseAll,
  type Setup,
  type Started,
  samplerFor,
  settingsOf,
  shareAmongTests,
  startCoordinator,
} from '../../support/coordinator/in-process-coordinator.js';
import { MEASURED, partScore } from '../../support/device/small-world.js';

let engine: Engine;

const start = (setup?: Setup): Started => startCoordinator(engine, setup);

shareAmongTests(createFakeEngine, (shared) => {
  ({ engine } = shared);
});

const digest = (): string => digestOf(engine.server.tensors);

describe('measuring', () => {
  it('adds up the errors of every device on both parts, in either delivery, and does not change Θ', async () => {
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

  it.each(['full', 'subset'] as const)('in %s delivery leaves out devices that refuse', async (evaluationDelivery) => {
    for (const kind of ['assign', 'model'] as const) {
      const answer: InProcessOptions['answer'] = (down, honest) => (down.kind === kind && down.device < 3 ? refusal(down) : honest());
      const { valid, test } = await start({ settings: { evaluationDelivery }, answer }).coordinator.evaluate();
      const count = evaluationDelivery === 'full' && kind === 'assign' ? 24 : 18;
      expect([valid.count, test.count]).toEqual([count, count]);
    }
    const none = await start({ settings: { evaluationDelivery }, answer: refuseAll('model') }).coordinator.evaluate();
    expect(none.valid).toEqual({ count: 0, metrics: { mae: null, mse: null } });
  });

  it('gives the errors of groups of devices, from the same sums', async () => {
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
      world: engine.world,
      steps: NO_SERVER_STEPS,
      secure: null,
      ledger: null,
      takeUpdates: { takesNone: false, take: () => {}, takeSum: () => {} },
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
    // A group of so few devices would give away single devices.
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

  it('has the metrics that are named, null if nothing was measured', async () => {
    const metrics = ['auc', 'rmse', 'hr@3'];
    // Θ at the start has no hit among the first three.
    await start({ settings: { schedule: constantRate(0.01) } }).coordinator.train(30);
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
