// Long because each way of delivery has its own examples.
import { beforeAll, describe, expect, it } from 'vitest';
import type { ServerHalf } from '../../../src/algorithms/port/server.js';
import { random } from '../../../src/base/random.js';
import { type DeviceId, deviceId, seconds } from '../../../src/base/units.js';
import { acceptUpdate } from '../../../src/coordinator/round/accept.js';
import { type DeliveryRequest, deliver } from '../../../src/coordinator/round/deliver.js';
import { transition } from '../../../src/device/actor/actor.js';
import type { Message, Model, Update } from '../../../src/messages/message.js';
import type { Dtype } from '../../../src/messages/tensor-form.js';
import { decodeTensor } from '../../../src/messages/wire-tensor.js';
import {
  contextFor,
  costOf,
  createFakeEngine,
  createInProcess,
  type Engine,
  type InProcessOptions,
  refusal,
} from '../../support/coordinator/in-process-coordinator.js';
import { orMessageError, plain } from '../../support/messages/arbitrary-messages.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createFakeEngine();
});

const COHORT = [0, 2, 3, 4, 5, 8, 9, 11].map(deviceId);

type Means = { readonly chunk?: number; readonly decoys?: number; readonly by?: Engine };

const run = async (
  request: Partial<DeliveryRequest> = {},
  { chunk = 3, decoys = 2, by = engine, ...answering }: Means & Pick<InProcessOptions, 'answer' | 'account'> = {},
) => {
  const { algorithm, server, world } = by;
  const devices = createInProcess({ context: contextFor(by, { decoys }), ...answering });
  const generated: { first: number; count: number }[] = [];
  const watched = {
    ...server,
    chunk,
    generate: (...[first, rows]: Parameters<typeof server.generate>) => {
      generated.push({ first, count: rows.length });
      return server.generate(first, rows);
    },
  };
  const full: DeliveryRequest = { round: 1, purpose: 'train', delivery: 'full', cohort: COHORT, ...request };
  const context = { algorithm, server: watched, items: world.items, dtype: 'f32' as Dtype };
  const { generateMillis, ...delivered } = await deliver(context, full, await devices.open());
  expect(generateMillis).toBeGreaterThanOrEqual(0);
  return {
    ...delivered,
    generated,
    sent: devices.sent,
    times: devices.times,
    models: devices.sent.flat().filter((message): message is Model => message.kind === 'model'),
  };
};

const asked = (messages: readonly Message[]): number[] => messages.map(({ device }) => device);
const want = ({ round, device, purpose }: Extract<Message, { kind: 'assign' }>, rows: Uint32Array | null): Message => {
  return { kind: 'want', round, device, purpose, rows };
};
/** Devices that refuse at one stage. */
const refusing =
  (kind: Message['kind'], ...devices: readonly number[]): NonNullable<InProcessOptions['answer']> =>
  (down, honest) =>
    down.kind === kind && devices.includes(down.device) ? refusal(down) : honest();

describe('delivery', () => {
  it('sends every device of the cohort one model, in chunks the server has room for', async () => {
    const { generated, sent, models, answers } = await run();
    expect(generated).toEqual([
      { first: 0, count: 3 },
      { first: 3, count: 3 },
      { first: 6, count: 2 },
    ]);
    expect(sent.map((batch) => batch.length)).toEqual([3, 3, 2]);
    expect(asked(models)).toEqual(COHORT);
    expect(models.every(({ rows, round, purpose }) => rows === null && round === 1 && purpose === 'train')).toBe(true);
    expect(asked(answers)).toEqual(COHORT);
    expect(answers.every(({ kind }) => kind === 'update')).toBe(true);
  });

  it('sends a device the same model whatever the chunks', async () => {
    const all: Awaited<ReturnType<typeof run>>[] = [];
    for (const chunk of [1, 2, 7, 100]) all.push(await run({}, { chunk }));
    expect(all.map(({ generated }) => generated.length)).toEqual([8, 4, 2, 1]);
    for (const { models, answers } of all.slice(1)) {
      expect(models.map(plain)).toEqual(all[0]!.models.map(plain));
      expect(answers.map(plain)).toEqual(all[0]!.answers.map(plain));
    }
  });

  it('in subset sends the rows each device asked for, with the numbers they have in full', async () => {
    const full = await run();
    const subset = await run({ delivery: 'subset' });
    expect(asked(subset.sent[0]!)).toEqual(COHORT);
    expect(subset.sent[0]!.every(({ kind }) => kind === 'assign')).toBe(true);
    const { down: tensors } = engine.algorithm.wire;
    subset.models.forEach((model, i) => {
      const answer = subset.answers[i] as Update;
      expect(model.rows).toEqual(answer.rows);
      tensors.forEach((spec, index) => {
        const some = decodeTensor(model.tensors[index]!, 'f32', spec, model.rows!.length, 'test');
        const all = decodeTensor(full.models[i]!.tensors[index]!, 'f32', spec, engine.world.items, 'test');
        const width = some.length / model.rows!.length;
        const expected = spec.perRow ? [...model.rows!].flatMap((row) => [...all.subarray(row * width, (row + 1) * width)]) : [...all];
        expect([...some]).toEqual(expected);
      });
    });
    expect(subset.answers.map(plain)).toEqual(full.answers.map(plain));
  });

  it('in subset fits as many models into a chunk as rows go into it', async () => {
    // One full model has 40 rows; eight devices ask for 5 to 9 each.
    const { generated, models } = await run({ delivery: 'subset' }, { chunk: 1 });
    expect(generated.length).toBeGreaterThan(1);
    expect(generated.length).toBeLessThan(COHORT.length);
    let at = 0;
    for (const { count } of generated) {
      const rows = models.slice(at, at + count).reduce((sum, model) => sum + model.rows!.length, 0);
      expect(rows).toBeLessThanOrEqual(40);
      const next = models[at + count];
      if (next !== undefined) expect(rows + next.rows!.length, 'a chunk is as large as it may be').toBeGreaterThan(40);
      at += count;
    }
    expect(at).toBe(COHORT.length);
  });

  it('in subset leaves out who refuses, wherever in the cohort', async () => {
    const honest = await run({ delivery: 'subset' });
    const modelFor = (device: DeviceId) => plain(honest.models.find((model) => model.device === device));
    for (const refuse of [[0], [11], [4], [3, 4], [0, 3, 5, 9], [2, 4, 8, 11], [0, 2, 3, 4, 5, 8, 9]]) {
      for (const chunk of [1, 2, 100]) {
        const { models, answers, generated } = await run({ delivery: 'subset' }, { chunk, answer: refusing('assign', ...refuse) });
        const willing = COHORT.filter((device) => !refuse.includes(device));
        expect(asked(answers), `${refuse} refuse`).toEqual(willing);
        expect(answers.every(({ kind }) => kind === 'update')).toBe(true);
        for (const model of models) expect(plain(model), `device ${model.device}`).toEqual(modelFor(model.device));
        expect(asked(models)).toEqual(willing);
        const positions = generated.flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i));
        expect(positions).toEqual(willing.map((device) => COHORT.indexOf(device)));
      }
    }
  });

  it('generates nothing when everyone refuses', async () => {
    const { answers, generated, models } = await run({ delivery: 'subset' }, { answer: refusing('assign', ...COHORT) });
    expect([answers, generated, models]).toEqual([[], [], []]);
  });

  it('passes on refusals of a model among the answers', async () => {
    const { answers } = await run({}, { answer: refusing('model', 3, 9) });
    expect(asked(answers)).toEqual(COHORT);
    expect(answers.filter(({ kind }) => kind === 'refuse').map(({ device }) => device)).toEqual([3, 9]);
  });

  it('measures with the same models as it trains, where nothing random is about those to learn with', async () => {
    const trained = await run();
    const measured = await run({ purpose: 'evaluate' });
    expect(measured.answers.every(({ kind }) => kind === 'score')).toBe(true);
    expect(measured.models.map(({ tensors }) => plain(tensors))).toEqual(trained.models.map(({ tensors }) => plain(tensors)));
  });

  it('tells the server half which devices it makes models for, and whether they are to learn with', async () => {
    const prepared: unknown[] = [];
    const server: ServerHalf = {
      ...engine.server,
      prepare: (requests, round) => {
        prepared.push([requests, round]);
        engine.server.prepare(requests, round);
      },
    };
    const by = { ...engine, server };
    const requests = COHORT.map((device) => ({ device }));
    await run({ round: 4 }, { by });
    await run({ round: 4, delivery: 'subset' }, { by, answer: refusing('assign', 3) });
    await run({ round: 4, purpose: 'evaluate' }, { by });
    await run({ cohort: [] }, { by });
    expect(prepared).toEqual([
      [requests, 4],
      [requests, 4],
      [requests, null],
    ]);
  });

  it('asks a device that has limits first, in full delivery too, and sends its model when it has answered', async () => {
    const account = (down: Message) => (down.device === 5 ? costOf(1, 'before') : costOf(down.kind === 'assign' ? down.device : 100));
    const { sent, times, models, answers, refusals, rowsOf, costs } = await run(
      { at: seconds(1000) },
      { chunk: 100, account, answer: refusing('assign', 3, 9) },
    );
    expect(sent[0]).toEqual(COHORT.map((device) => ({ kind: 'assign', round: 1, device, purpose: 'train', full: true })));
    expect(times[0]).toEqual(COHORT.map(() => 1000));
    const willing = COHORT.filter((device) => ![3, 5, 9].includes(device));
    expect(asked(models)).toEqual(willing);
    expect(times.slice(1).flat()).toEqual(willing.map((device) => 1000 + device));
    expect(asked(answers)).toEqual(willing);
    expect(asked(refusals)).toEqual([3, 9]);
    expect([...rowsOf]).toEqual(willing.map((device) => [device, null]));
    expect([...costs].map(([device, { lost, down }]) => [device, lost, Number(down)])).toEqual(
      COHORT.map((device) => (device === 5 ? [5, 'before', 1] : [device, null, willing.includes(device) ? 100 + device : Number(device)])),
    );
  });

  it('in full delivery takes no list of rows, and in subset delivery needs one', async () => {
    const named = await run(
      { at: seconds(0) },
      {
        account: () => costOf(1),
        answer: (down, honest) => (down.kind === 'assign' && down.device === 4 ? want(down, Uint32Array.of(1)) : honest()),
      },
    );
    expect(named.rejected).toEqual([{ device: 4, cause: 'rows', text: 'rows wanted by device 4: expected none named, found a list' }]);
    const none = await run(
      { delivery: 'subset' },
      { answer: (down, honest) => (down.kind === 'assign' && down.device === 4 ? want(down, null) : honest()) },
    );
    expect(none.rejected).toEqual([{ device: 4, cause: 'rows', text: 'rows wanted by device 4: expected a list, found none' }]);
    for (const { models } of [named, none]) expect(asked(models)).toEqual(COHORT.filter((device) => device !== 4));
  });

  it('in subset delivery sends every row to a device that is measured on all items', async () => {
    const { models, rejected } = await run(
      { delivery: 'subset', purpose: 'evaluate' },
      { answer: (down, honest) => (down.kind === 'assign' && down.device === 4 ? want(down, null) : honest()) },
    );
    expect(rejected).toEqual([]);
    expect(models.find(({ device }) => device === 4)!.rows).toBeNull();
    // What the answer says of its purpose does not make it a measurement.
    const claimed = await run(
      { delivery: 'subset' },
      { answer: (down, honest) => (down.kind === 'assign' && down.device === 4 ? { ...want(down, null), purpose: 'evaluate' } : honest()) },
    );
    expect(claimed.rejected).toMatchObject([{ device: 4, cause: 'rows' }]);
  });

  it('takes the last item there is, and no row at all', async () => {
    const wanted = new Map([
      [4, Uint32Array.of(39)],
      [5, new Uint32Array(0)],
    ]);
    const { models, rejected } = await run(
      { delivery: 'subset', purpose: 'evaluate' },
      {
        answer: (down, honest) => {
          const rows = wanted.get(down.device);
          if (rows === undefined) return honest();
          return down.kind === 'assign' ? want(down, rows) : refusal(down);
        },
      },
    );
    expect(rejected).toEqual([]);
    for (const [device, rows] of wanted) expect(models.find((model) => model.device === device)!.rows).toEqual(rows);
  });

  it('leaves out devices that ask for rows beyond the items, or answer with another kind', async () => {
    const tooFar = run(
      { delivery: 'subset' },
      {
        answer: (down, honest) =>
          down.kind === 'assign' && down.device === 4 ? { ...down, kind: 'want', rows: Uint32Array.of(1, 2, 40) } : honest(),
      },
    );
    const text = 'rows wanted by device 4: expected items below 40, found 40';
    expect((await tooFar).rejected).toEqual([{ device: 4, cause: 'rows', text }]);
    expect(asked((await tooFar).answers)).toEqual(COHORT.filter((device) => device !== 4));
    const outOfTurn = run(
      { delivery: 'subset' },
      {
        answer: (down, honest) =>
          down.kind === 'assign' && down.device === 4
            ? { kind: 'update', round: 1, device: down.device, count: 0, loss: 0, rows: new Uint32Array(0), tensors: [] }
            : honest(),
      },
    );
    const kind = 'answer of device 4: expected want or refuse, found update';
    expect((await outOfTurn).rejected).toEqual([{ device: 4, cause: 'kind', text: kind }]);
  });
});

describe('a client update', () => {
  const upload = async (): Promise<Update> => (await run()).answers[2] as Update;
  const accept = (update: Update) => {
    const { algorithm, world } = engine;
    return orMessageError(() => acceptUpdate({ algorithm, items: world.items, dtype: 'f32' }, update, null));
  };

  it('is decoded to what the device computed', async () => {
    const update = await upload();
    const context = contextFor(engine, { decoys: 2 });
    const { models } = await run();
    const local = transition(context, models[2]!).reply as Update;
    expect(accept(update)).toMatchObject({ device: 3, count: local.count, rows: local.rows });
    const accepted = accept(update) as Extract<ReturnType<typeof accept>, object>;
    engine.algorithm.wire.up.forEach((spec, index) =>
      expect(accepted.tensors[index]).toEqual(decodeTensor(local.tensors[index]!, 'f32', spec, local.rows.length, 'test')),
    );
  });

  it('of another form is refused', async () => {
    const update = await upload();
    const [first, ...others] = update.tensors;
    expect(accept({ ...update, tensors: others })).toMatch(/^update of device 3: expected \d+ tensors, found \d+$/);
    expect(accept({ ...update, tensors: [...others, first!] })).toMatch(/^update of device 3, tensor errors: expected shape/);
    expect(accept({ ...update, tensors: [{ ...first!, dtype: 'int8' }, ...others] })).toMatch(/expected dtype f32, found int8$/);
    expect(accept({ ...update, rows: Uint32Array.of(...update.rows.slice(0, -1), 40) })).toBe(
      'update of device 3: expected items below 40, found 40',
    );
    expect(accept({ ...update, rows: update.rows.subarray(1) })).toMatch(/tensor errors: expected shape/);
  });

  it('is checked the same however it was garbled', async () => {
    const update = await upload();
    const source = random(1, 'garble');
    for (let i = 0; i < 200; i++) {
      const tensors = update.tensors.map((tensor) => ({ ...tensor, data: tensor.data.map((piece) => piece.subarray(source.integer(3))) }));
      orMessageError(() => accept({ ...update, tensors }));
    }
  });
});
