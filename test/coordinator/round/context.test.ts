import { describe, expect, it } from 'vitest';
import type { ModelRequest, ServerHalf } from '../../../src/algorithms/port/server.js';
import { deviceId, seconds } from '../../../src/base/units.js';
import { digestOf } from '../../../src/coordinator/checkpoint/digest.js';
import { type DeliveryRequest, deliver } from '../../../src/coordinator/round/deliver.js';
import { ratingsOf } from '../../../src/device/actor/columns.js';
import type { Assign, Message, Model } from '../../../src/messages/message.js';
import type { WireTensor } from '../../../src/messages/tensor-form.js';
import { decodeTensors, encodeTensor } from '../../../src/messages/wire-tensor.js';
import {
  contextFor,
  costOf,
  createFakeEngine,
  createInProcess,
  type InProcessOptions,
  PLAIN_ROUNDS,
  refusal,
  startCoordinator,
} from '../../support/coordinator/in-process-coordinator.js';

const COHORT = [1, 4, 5, 9].map(deviceId);
const DELIVERIES = ['full', 'subset'] as const;
type Answer = NonNullable<InProcessOptions['answer']>;

const ENGINE = await createFakeEngine({ context: true }, 2);
const ENGINE_WITHOUT = await createFakeEngine();
const { columns: COLUMNS } = contextFor(ENGINE);
/** What a device says of itself: how many records it has. */
const recordsOf = (device: number): number => ratingsOf(COLUMNS, 'train', deviceId(device)).items.length;

const run = async (request: Partial<DeliveryRequest>, answering: Omit<InProcessOptions, 'context'> = {}, engine = ENGINE) => {
  const devices = createInProcess({ context: contextFor(engine), ...answering });
  const log: string[] = [];
  const prepared: (readonly ModelRequest[])[] = [];
  const server: ServerHalf = {
    ...engine.server,
    prepare: (requests, round) => {
      log.push(`prepare ${devices.sent.length}`);
      prepared.push(structuredClone(requests));
      engine.server.prepare(requests, round);
    },
    generate: (first, rows) => {
      log.push(`generate ${first} ${rows.length}`);
      return engine.server.generate(first, rows);
    },
  };
  const context = { algorithm: engine.algorithm, server, items: engine.world.items, dtype: 'f32' } as const;
  const full: DeliveryRequest = { round: 1, purpose: 'train', delivery: 'full', cohort: COHORT, ...request };
  const delivered = await deliver(context, full, await devices.open());
  const models = devices.sent.flat().filter((message): message is Model => message.kind === 'model');
  return { ...delivered, log, prepared, models, sent: devices.sent };
};

/** b of a model: the eighth of a device's records, since Θ's own is zero. */
const offsetOf = ({ tensors, rows }: Model): number =>
  decodeTensors(tensors, 'f32', ENGINE.algorithm.wire.down, rows?.length ?? ENGINE.world.items, 'test')[1]![0]!;
const asked = (messages: readonly Message[]): number[] => messages.map(({ device }) => device);
const saying = (device: number, tensors: (honest: readonly WireTensor[]) => readonly WireTensor[]): Answer => {
  return (_down, honest) => {
    const reply = honest();
    return reply.kind === 'want' && reply.device === device ? { ...reply, tensors: tensors(reply.tensors ?? []) } : reply;
  };
};

describe.each(DELIVERIES)('what devices say of themselves, in %s delivery', (delivery) => {
  it('reaches the server half before it makes their models, and each model is its own device’s', async () => {
    const { log, prepared, models, answers, sent } = await run({ delivery });
    const assign: Assign = { kind: 'assign', round: 1, device: COHORT[0]!, purpose: 'train', ...(delivery === 'full' && { full: true }) };
    expect(sent[0]![0]).toEqual(assign);
    expect(prepared).toEqual([COHORT.map((device) => ({ device, context: [Float32Array.of(recordsOf(device))] }))]);
    expect(new Set(COHORT.map(recordsOf)).size).toBeGreaterThan(2);
    expect(log[0]).toBe('prepare 1');
    expect(models.map(offsetOf)).toEqual(COHORT.map((device) => recordsOf(device) / 8));
    expect(models.every(({ rows }) => (rows === null) === (delivery === 'full'))).toBe(true);
    expect(answers.map(({ kind, device }) => [kind, device])).toEqual(COHORT.map((device) => ['update', device]));
  });

  it('is asked for measurements, too', async () => {
    const { prepared, models, answers } = await run({ delivery, purpose: 'evaluate' });
    expect(prepared[0]!.map(({ context }) => context![0]![0])).toEqual(COHORT.map(recordsOf));
    expect(models.map(offsetOf)).toEqual(COHORT.map((device) => recordsOf(device) / 8));
    expect(answers.map(({ kind }) => kind)).toEqual(COHORT.map(() => 'score'));
  });

  it('is not there for those who refuse, whom the server half then knows nothing of', async () => {
    const answer: Answer = (down, honest) => (down.kind === 'assign' && down.device === 4 ? refusal(down) : honest());
    const { prepared, models, refusals, log } = await run({ delivery }, { answer });
    const willing = COHORT.filter((device) => device !== 4);
    expect([prepared.map((requests) => requests.map(({ device }) => device)), asked(refusals)]).toEqual([[willing], [4]]);
    expect(models.map((model) => [model.device, offsetOf(model)])).toEqual(willing.map((device) => [device, recordsOf(device) / 8]));
    if (delivery === 'full') expect(log).toEqual(['prepare 1', 'generate 0 2', 'generate 2 1']);
    const nobody = await run({ delivery }, { answer: (down) => refusal(down) });
    expect([nobody.log, nobody.models, nobody.answers]).toEqual([[], [], []]);
  });

  const one = (dtype: 'f32' | 'f16', ...values: number[]) => encodeTensor(dtype, [values.length], [Float32Array.from(values)]);
  const place = 'context of device 5';
  it.each<readonly [string, readonly WireTensor[], string, string]>([
    ['another shape', [one('f32', 1, 2)], 'shape', `${place}, tensor records: expected shape [1], found [2]`],
    ['nothing', [], 'shape', `${place}: expected 1 tensors, found 0`],
    ['too much', [one('f32', 1), one('f32', 1)], 'shape', `${place}: expected 1 tensors, found 2`],
    ['another dtype', [one('f16', 1)], 'shape', `${place}, tensor records: expected dtype f32, found f16`],
    ['fewer bytes', [{ ...one('f32', 1), data: [new Uint8Array(3)] }], 'shape', `${place}, tensor records: expected 4 bytes, found 3`],
    ['no number', [one('f32', Number.NaN)], 'not-finite', `${place}, tensor records: expected finite numbers, found others`],
    ['no end', [one('f32', -1 / 0)], 'not-finite', `${place}, tensor records: expected finite numbers, found others`],
  ])('is thrown away with its cause, and its device left out, where it is %s', async (_, tensors, cause, text) => {
    const { rejected, prepared, models, answers } = await run({ delivery }, { answer: saying(5, () => tensors) });
    expect(rejected).toEqual([{ device: 5, cause, text }]);
    const others = COHORT.filter((device) => device !== 5);
    expect(prepared[0]!.map(({ device }) => device)).toEqual(others);
    expect(models.map((model) => [model.device, offsetOf(model)])).toEqual(others.map((device) => [device, recordsOf(device) / 8]));
    expect(asked(answers)).toEqual(others);
  });
});

it('devices that have limits say it in the one question they are asked', async () => {
  const { sent, models } = await run({ at: seconds(10) }, { account: () => costOf(1) });
  expect(sent[0]!.map(({ kind }) => kind)).toEqual(COHORT.map(() => 'assign'));
  expect(models.map(offsetOf)).toEqual(COHORT.map((device) => recordsOf(device) / 8));
});

it('a device that says more than its algorithm asks for is left out', async () => {
  const engine = await createFakeEngine();
  const answer = saying(5, () => [encodeTensor('f32', [1], [Float32Array.of(1)])]);
  const { rejected, prepared } = await run({ delivery: 'subset' }, { answer }, engine);
  expect(rejected).toEqual([{ device: 5, cause: 'shape', text: 'context of device 5: expected 0 tensors, found 1' }]);
  // Where nothing is said, the server half is not kept waiting: it takes the cohort while devices answer.
  expect(prepared).toEqual([COHORT.map((device) => ({ device }))]);
});

describe('rounds of devices that say something of themselves', () => {
  it('lead to the same Θ in either delivery, and to another where nothing is said', async () => {
    const digests: string[] = [];
    for (const [context, delivery] of [
      [true, 'full'],
      [true, 'subset'],
      [false, 'full'],
    ] as const) {
      const engine = await createFakeEngine({ context });
      const { coordinator, events } = startCoordinator(engine, { settings: { delivery, evaluationDelivery: delivery } });
      await coordinator.train(4);
      expect(events.map(({ outcomes }) => outcomes.trained)).toEqual([5, 5, 2, 5]);
      expect((await coordinator.evaluate()).valid.count).toBe(24);
      digests.push(digestOf(engine.server.tensors));
    }
    expect(digests[1]).toBe(digests[0]);
    expect(digests[2]).not.toBe(digests[0]);
  });

  it('count a wrong one among the rejections, and end a measurement with it', async () => {
    const answer = saying(3, ([first]) => [{ ...first!, shape: [2] }]);
    const { coordinator, events } = startCoordinator(await createFakeEngine({ context: true }), { answer, settings: { cohort: 12 } });
    await coordinator.train(1);
    expect(events[0]!.outcomes).toMatchObject({ assigned: 12, trained: 11, rejected: { shape: 1 } });
    expect(events[0]!.rejections).toEqual(['context of device 3, tensor records: expected shape [1], found [2]']);
    await expect(coordinator.evaluate()).rejects.toMatchObject({ code: 'MESSAGE', message: events[0]!.rejections[0] });
  });

  it('have the question and its answers in their traffic', async () => {
    const { coordinator, events } = startCoordinator(await createFakeEngine({ context: true }));
    await coordinator.train(1);
    expect(events[0]!.traffic.map(({ kind, dtype, messages }) => [kind, dtype, messages])).toEqual([
      ['assign', 'none', 5],
      ['want', 'f32', 5],
      ['model', 'f32', 5],
      ['update', 'f32', 5],
    ]);
  });

  it('cannot be buffered: nobody keeps the context of a round that has ended', async () => {
    const policy = { ...PLAIN_ROUNDS.policy, kind: 'buffered', concurrency: 10 } as const;
    const engine = await createFakeEngine({ context: true });
    expect(() => startCoordinator(engine, { settings: { policy } })).toThrow(
      'key policy.kind: expected another than buffered, as devices of fake send a context before each model, found buffered',
    );
    expect(() => startCoordinator(ENGINE_WITHOUT, { settings: { policy } })).not.toThrow();
  });
});
