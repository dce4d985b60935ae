import { z } from 'zod';
import { type Algorithm, bindAlgorithm } from '../../../src/algorithms/port/algorithm.js';
import type { ClientHalf, Interactions, LocalModel } from '../../../src/algorithms/port/client.js';
import type { AlgorithmDefinition, Wire, World } from '../../../src/algorithms/port/definition.js';
import { rowOf } from '../../../src/algorithms/port/rows.js';
import type { ClientUpdate, ModelRequest, ServerHalf, ServerRuntime, UpdateSum } from '../../../src/algorithms/port/server.js';
import { serveSharedModel } from '../../../src/algorithms/port/shared-model.js';
import { createUpdateSums } from '../../../src/coordinator/aggregation/update-sums.js';
import { WORLD } from '../device/small-world.js';

/**
 * The least algorithm that uses the whole port: ŷ = E[i, 0] + E[i, 1] + b [+ the first number that the device keeps].
 * A device returns the errors r − ŷ of its records, one a row, their sum and the sum of their squares.
 * They are other tensors than those of its model.
 */
const options = z.strictObject({
  context: z.boolean().default(false).describe('a device says how many records it has; an eighth of it is added to its b'),
  memory: z.boolean().default(false).describe('a device keeps a number for each of its records, and adds 1 to each in an update'),
  each: z.boolean().default(false).describe('the server half takes every update by itself'),
});
export type FakeOptions = z.infer<typeof options>;

const wireOf = ({ context }: FakeOptions): Wire => ({
  down: [
    { name: 'E', perRow: true, shape: [2] },
    { name: 'b', perRow: false, shape: [1] },
  ],
  up: [
    { name: 'errors', perRow: true, shape: [1] },
    { name: 'sums', perRow: false, shape: [2] },
  ],
  ...(context && { context: [{ name: 'records', perRow: false, shape: [1] }] }),
});

const predict = ({ rows, tensors: [E, b] }: LocalModel, item: number, state: Float32Array): number => {
  const at = 2 * rowOf(rows, item);
  return E![at]! + E![at + 1]! + b![0]! + (state[0] ?? 0);
};

const createClient = ({ context, memory }: FakeOptions): ClientHalf<Interactions> => ({
  ...(memory && {
    state: { size: (records: number) => records, initial: (source, size) => Float32Array.from({ length: size }, () => source.uniform()) },
  }),
  plan: ({ train }, task) => ({
    ...(task.purpose === 'train'
      ? { rows: task.batch.items, work: task.batch }
      : { rows: task.candidates, work: { items: task.candidates, values: new Float32Array(0) } }),
    ...(context && { context: [Float32Array.of(train.items.length)] }),
  }),
  update: (model, _own, { items, values }, _source, state) => {
    const rows = items.toSorted();
    const errors = new Float32Array(items.length);
    const sums = new Float32Array(2);
    items.forEach((item, at) => {
      const error = values[at]! - predict(model, item, state);
      errors[rows.indexOf(item)] = error;
      sums[0]! += error;
      sums[1]! += error * error;
    });
    const update = { count: items.length, loss: sums[1]!, rows, tensors: [errors, sums] };
    return memory ? { ...update, state: state.map((value) => value + 1) } : update;
  },
  score: (model, _own, { items }, state) => Float32Array.from(items, (item) => predict(model, item, state)),
});

/** What is sent: the models of serveSharedModel, with what a device said of itself in its b. */
const withContext = (server: ServerHalf): ServerHalf => {
  let cohort: readonly ModelRequest[] = [];
  return {
    ...server,
    prepare: (requests, round) => {
      cohort = requests;
      server.prepare(requests, round);
    },
    generate: (first, rows) => () =>
      server
        .generate(first, rows)()
        .map(([E, b], at) => [E!, [Float32Array.of(b![0]![0]! + cohort[first + at]!.context![0]![0]! / 8)]]),
  };
};

const createServer = (world: World, chosen: FakeOptions, runtime: ServerRuntime): ServerHalf => {
  const wire = wireOf(chosen);
  const tensors = runtime.createTensors([
    { name: 'E', shape: [world.items, 2], initial: (source, values) => values.forEach((_, at) => (values[at] = 0.1 * source.normal())) },
    { name: 'b', shape: [1] },
  ]);
  const step = ({ weight, tensors: [errors, sums] }: UpdateSum, learningRate: number) => {
    const [E, b] = [tensors.values('E'), tensors.values('b')];
    E.forEach((_, at) => (E[at]! += (learningRate * errors![at >> 1]!) / weight));
    b[0]! += (learningRate * sums![0]!) / weight;
    return { gradientNorm: Math.hypot(...errors!, sums![0]!) / weight, clipped: false };
  };
  const shared = serveSharedModel({ wire, world, tensors, step });
  const server = chosen.context ? withContext(shared) : shared;
  if (!chosen.each) return server;
  const { apply: _, ...rest } = server;
  const adding = createUpdateSums(wire.up, world.items);
  let taken: ClientUpdate[] = [];
  return {
    ...rest,
    accumulate: (updates) => void taken.push(...updates),
    step: (learningRate, round) => {
      if (taken.length > 0) shared.apply!(adding.of(taken));
      taken = [];
      return shared.step(learningRate, round);
    },
  };
};

export const fakeDefinition = (aggregation: 'each' | 'sum' = 'sum'): AlgorithmDefinition<FakeOptions, Interactions> => ({
  name: 'fake',
  version: '1',
  options,
  traits: { feedback: 'explicit', aggregation, coldUsers: false, features: [], reads: [] },
  wire: (_world, chosen) => wireOf(chosen),
  client: (_world, chosen) => createClient(chosen),
  server: createServer,
});

export const fakeAlgorithm = (chosen: Partial<FakeOptions> = {}, world: World = WORLD): Algorithm => {
  const complete = options.parse(chosen);
  return bindAlgorithm(fakeDefinition(complete.each ? 'each' : 'sum'), complete, null, world);
};
