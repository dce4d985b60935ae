import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ClientHalf, LocalModel, LocalUpdate, Plan, Task } from '../../../src/algorithms/port/client.js';
import type { AlgorithmDefinition, Wire } from '../../../src/algorithms/port/definition.js';
import { guardAlgorithm } from '../../../src/algorithms/port/guard.js';
import { createRuntime } from '../../../src/algorithms/port/runtime.js';
import type { ServerHalf } from '../../../src/algorithms/port/server.js';
import { addMeans, serveSharedModel } from '../../../src/algorithms/port/shared-model.js';
import { random } from '../../../src/base/random.js';

/** One number for each of five items, and one for all. */
const WORLD = { devices: 3, items: 5, lowest: 1, highest: 5 };
const TENSORS = [
  { name: 'biases', perRow: true, shape: [1] },
  { name: 'middle', perRow: false, shape: [1] },
];
const WIRE: Wire = { down: TENSORS, up: TENSORS };
const MODEL: LocalModel = { rows: Uint32Array.of(1, 3), tensors: [Float32Array.of(0.5, 0.25), Float32Array.of(3)] };
const OWN = { train: { items: Uint32Array.of(3, 1), values: Float32Array.of(4, 2) } };
const TRAIN: Task = { purpose: 'train', round: 1, batch: OWN.train };
const SOURCE = random(1, 'guard');

const rightUpdate = (): LocalUpdate => ({
  ...{ count: 2, loss: 0.5, rows: Uint32Array.of(1, 3) },
  ...{ tensors: [Float32Array.of(0.1, 0.2), Float32Array.of(0.3)], state: Float32Array.of(1, 2) },
});

type Halves = { readonly client?: object; readonly server?: object; readonly wire?: unknown };

const guarded = ({ client = {}, server = {}, wire = WIRE }: Halves) => {
  const definition: AlgorithmDefinition = {
    ...{ name: 'mine', version: '1', options: z.strictObject({}) },
    traits: { feedback: 'explicit', aggregation: 'sum', coldUsers: false, features: [], reads: [] },
    wire: () => wire as Wire,
    client: (): ClientHalf => ({
      state: { size: 2, initial: (_, count) => new Float32Array(count) },
      plan: (_own, task) => ({ rows: task.purpose === 'train' ? task.batch.items : task.candidates, work: null }),
      update: rightUpdate,
      score: () => new Float32Array(3),
      operations: () => 1,
      ...client,
    }),
    server: (world, _, runtime): ServerHalf => {
      const tensors = runtime.createTensors(TENSORS.map(({ name, perRow }) => ({ name, shape: [perRow ? world.items : 1] })));
      return { ...serveSharedModel({ wire: WIRE, world, tensors, step: (sum) => addMeans(WIRE, tensors, sum) }), ...server };
    },
  };
  return guardAlgorithm(definition, './mine.js');
};

const clientOf = (changes: object): ClientHalf => {
  const { definition, entering } = guarded({ client: changes });
  entering(7);
  return definition.client(WORLD, {});
};
const STATE = new Float32Array(2);
const plan = (result: unknown) => () => clientOf({ plan: () => result }).plan(OWN, TRAIN, SOURCE, STATE);
const update = (changes: object) => () =>
  clientOf({ update: () => ({ ...rightUpdate(), ...changes }) }).update(MODEL, OWN, null, SOURCE, STATE);
const score = (result: unknown) => () => {
  const client = clientOf({ score: () => result });
  client.plan(OWN, { purpose: 'evaluate', round: 1, candidates: Uint32Array.of(0, 1, 2) }, SOURCE, STATE);
  return client.score(MODEL, OWN, null, STATE);
};
const tensors = (biases: unknown, middle: unknown = Float32Array.of(0)) => ({ tensors: [biases, middle] });

describe('what a client half returns wrongly ends in one line with module, hook and device', () => {
  it.each<[string, () => unknown, string]>([
    ['no plan', plan(undefined), 'hook plan, device 7: expected a plan { rows, work }, found undefined'],
    [
      'a plan without rows',
      plan({ work: 1 }),
      'hook plan, device 7: expected rows: a list of items, or null for every item, found undefined',
    ],
    ['an item beyond the last', plan({ rows: [5] }), 'hook plan, device 7: expected rows: items from 0 to 4, found 5'],
    ['an item that is no whole number', plan({ rows: [1.5] }), 'hook plan, device 7: expected rows: items from 0 to 4, found 1.5'],
    [
      'no update',
      () => clientOf({ update: () => null }).update(MODEL, OWN, null, SOURCE, STATE),
      'hook update, device 7: expected an update { count, loss, rows, tensors }, found null',
    ],
    ['a count of none', update({ count: 0 }), 'hook update, device 7: expected count: a whole number of at least 1, found 0'],
    [
      'a loss that is no number',
      update({ loss: Number.NaN }),
      'hook update, device 7: expected loss: a finite number of at least 0, found NaN',
    ],
    ['a list for rows', update({ rows: [1, 3] }), 'hook update, device 7: expected rows: a Uint32Array of items, found Array'],
    ['rows out of order', update({ rows: Uint32Array.of(3, 1) }), 'hook update, device 7: expected rows: ascending items below 5, found 1'],
    ['a row twice', update({ rows: Uint32Array.of(1, 1) }), 'hook update, device 7: expected rows: ascending items below 5, found 1'],
    [
      'a row that it was not sent',
      update({ rows: Uint32Array.of(1, 2) }),
      'hook update, device 7: expected rows: items that the model has a row of, found 2',
    ],
    ['a tensor too few', update({ tensors: [Float32Array.of(1, 2)] }), 'hook update, device 7: expected tensors: a list of 2, found 1'],
    [
      'float64',
      update(tensors(Float64Array.of(1, 2))),
      'hook update, device 7: expected tensor biases: a Float32Array, found Float64Array',
    ],
    ['a row too few', update(tensors(Float32Array.of(1))), 'hook update, device 7: expected tensor biases: 2 numbers, found 1'],
    [
      'an infinite number',
      update(tensors(Float32Array.of(1, 2), Float32Array.of(1 / 0))),
      'hook update, device 7: expected tensor middle: finite numbers, found Infinity at 0',
    ],
    ['a state of another size', update({ state: new Float32Array(3) }), 'hook update, device 7: expected state: 2 numbers, found 3'],
    ['scores of another number', score(new Float32Array(2)), 'hook score, device 7: expected scores: 3 numbers, found 2'],
    [
      'scores that are no numbers',
      score(Float32Array.of(1, Number.NaN, 1)),
      'hook score, device 7: expected scores: finite numbers, found NaN at 1',
    ],
    [
      'operations below 0',
      () => clientOf({ operations: () => -1 }).operations!(null),
      'hook operations, device 7: expected a number of at least 0, found -1',
    ],
    [
      'first state of another size',
      () => clientOf({ state: { size: 2, initial: () => new Float32Array(1) } }).state!.initial(SOURCE, 2),
      'hook state, device 7: expected initial: 2 numbers, found 1',
    ],
    [
      'no client half',
      () => guarded({ client: { score: 3 } }).definition.client(WORLD, {}),
      'hook client: expected score: a function, found 3',
    ],
  ])('%s', (_, work, line) => {
    expect(work).toThrow(expect.objectContaining({ code: 'MODULE', message: `./mine.js, ${line}` }));
  });
});

describe('what a wire says wrongly names the hook', () => {
  const BIASES = TENSORS[0]!;
  it.each<[string, unknown, string]>([
    ['nothing', null, 'expected down: a list of at most 64 tensors, found nothing'],
    ['a name twice', { ...WIRE, up: [BIASES, BIASES] }, 'expected up: a name of its own for each tensor, found "biases"'],
    ['rows last', { ...WIRE, down: TENSORS.toReversed() }, 'expected down: tensors with rows first, found "biases"'],
    [
      'an empty shape',
      { ...WIRE, up: [{ ...BIASES, shape: [] }] },
      'expected up: a shape of one to three whole numbers for biases, found []',
    ],
    ['rows in what a device says', { ...WIRE, context: [BIASES] }, 'expected context: perRow false for biases, found true'],
  ])('%s', (_, wire, line) => {
    expect(() => guarded({ wire }).definition.wire(WORLD, {})).toThrow(`./mine.js, hook wire: ${line}`);
  });
});

describe('a server half', () => {
  const RUNTIME = createRuntime({ seed: 1, threads: 1, optimizer: null });
  const SUM = {
    updates: 1,
    weight: 2,
    tensors: [new Float32Array(5).fill(1), Float32Array.of(4)],
    rowWeights: Float32Array.of(0, 1, 2, 1, 0),
  };
  const serve = async (server: object) => {
    const { definition, isBroken } = guarded({ server });
    return { server: await definition.server(WORLD, {}, RUNTIME), isBroken };
  };
  const throwing = (): never => {
    throw new Error('on fire\nand more');
  };

  it('that has a chunk of none, or no tensors, is refused', async () => {
    await expect(serve({ chunk: 0 })).rejects.toThrow('./mine.js, hook server: expected chunk: a whole number of at least 1, found 0');
    await expect(serve({ tensors: [] })).rejects.toThrow('./mine.js, hook server: expected tensors: a list of at least one, found object');
  });

  it('whose models have another shape is refused', async () => {
    const { server } = await serve({ generate: () => () => [[[Float32Array.of(1)], [Float32Array.of(1)]]] });
    expect(() => server.generate(0, [Uint32Array.of(1, 3)])()).toThrow(
      './mine.js, hook generate: expected tensor biases: 2 numbers, found 1',
    );
  });

  it('moves its tensors by means where all is well, and stays sound', async () => {
    const { server, isBroken } = await serve({});
    server.apply!(SUM);
    server.step(1, 1);
    const values = server.tensors.map((tensor) => Array.from(new Float32Array(tensor.bytes().buffer)));
    expect(values).toEqual([[0, 1, 0.5, 1, 0], [2]]);
    expect(isBroken()).toBe(false);
  });

  it.each(['apply', 'step', 'settle'] as const)('that throws in %s may have left half a step: Θ is not sound', async (hook) => {
    const { server, isBroken } = await serve({ [hook]: throwing });
    expect(() => {
      server.apply!(SUM);
      server.step(1, 1);
      server.settle();
    }).toThrow(`./mine.js, hook ${hook}: it threw: on fire`);
    expect(isBroken()).toBe(true);
  });

  it.each(['prepare', 'state'] as const)('that throws in %s has not changed Θ', async (hook) => {
    const { server, isBroken } = await serve({ [hook]: throwing });
    expect(() => {
      server.prepare([], 1);
      server.state();
    }).toThrow(`./mine.js, hook ${hook}: it threw: on fire`);
    expect(isBroken()).toBe(false);
  });
});

describe('a client half that writes into what it is given', () => {
  const scribble = (values: { fill(value: number): unknown }): void => void values.fill(9);
  const snapshot = () => [
    ...OWN.train.items,
    ...OWN.train.values,
    ...MODEL.rows!,
    ...MODEL.tensors.flatMap((values) => [...values]),
    ...STATE,
  ];

  it('changes neither records, nor a model, nor a state: other devices may have the same memory', () => {
    const before = snapshot();
    const written = clientOf({
      plan: (own: typeof OWN, task: { batch: typeof OWN.train }, _: unknown, state: Float32Array): Plan<null> => {
        for (const values of [own.train.items, own.train.values, task.batch.items, task.batch.values, state]) scribble(values);
        return { rows: [1], work: null };
      },
      update: (model: LocalModel, own: typeof OWN, _work: unknown, _source: unknown, state: Float32Array) => {
        for (const values of [model.rows!, ...model.tensors, own.train.items, own.train.values, state]) scribble(values);
        return rightUpdate();
      },
      score: (model: LocalModel, own: typeof OWN, _work: unknown, state: Float32Array) => {
        for (const values of [model.rows!, ...model.tensors, own.train.items, own.train.values, state]) scribble(values);
        return new Float32Array(0);
      },
    });
    written.plan(OWN, TRAIN, SOURCE, STATE);
    written.update(MODEL, OWN, null, SOURCE, STATE);
    written.score(MODEL, OWN, null, STATE);
    expect(snapshot()).toEqual(before);
  });
});
