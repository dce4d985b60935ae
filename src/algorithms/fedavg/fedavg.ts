import { random } from '../../base/random.js';
import { createKernelPool } from '../../tensor/kernels/kernel-pool.js';
import { referenceKernels } from '../../tensor/kernels/reference.js';
import { createArena } from '../../tensor/memory/arena.js';
import { createParameter, elementsOf, type Parameter } from '../../tensor/memory/parameter.js';
import type { Algorithm, ClientUpdate, GeneratedModel, Rows, ServerHalf, ServerOptions, World } from '../port/algorithm.js';
import { createDeviceHalf } from './device.js';
import { type FedAvgOptions, sharedTensors } from './options.js';

/** Generated rows a chunk may hold, in 4-byte elements: devices work on some of a cohort's models while the others are still written. */
const CHUNK_ELEMENTS = 1 << 20;

const valuesOf = (parameter: Parameter): Float32Array => parameter.arena.f32(parameter.weights, elementsOf(parameter));

/** N(0, 0.1²) embeddings, Xavier-normal layers, zero biases, b2 in the middle of the scale. */
const initialize = (tensors: readonly Float32Array[], world: World, { itemEmbedding: d, units: f }: FedAvgOptions, seed: number): void => {
  const deviations = [0.1, Math.sqrt(2 / (d + f)), 0, Math.sqrt(2 / (f + 1)), 0];
  tensors.forEach((values, index) => {
    const source = random(seed, 'initialize', index);
    for (let i = 0; i < values.length; i++) values[i] = deviations[index]! * source.normal();
  });
  tensors[4]![0] = (world.lowest + world.highest) / 2;
};

/** Rows of `items`, one behind the other. */
const gather = (items: Float32Array, rows: Uint32Array, d: number): Float32Array => {
  const out = new Float32Array(rows.length * d);
  for (let index = 0; index < rows.length; index++) {
    const [from, to] = [rows[index]! * d, index * d];
    for (let e = 0; e < d; e++) out[to + e] = items[from + e]!;
  }
  return out;
};

/** sum[rows] += weight · values */
const addRows = (sum: Float32Array, rows: Uint32Array, values: Float32Array, d: number, weight: number): void => {
  for (let index = 0; index < rows.length; index++) {
    const [from, to] = [index * d, rows[index]! * d];
    for (let e = 0; e < d; e++) sum[to + e]! += weight * values[from + e]!;
  }
};

/** sum += weight · values */
const add = (sum: Float32Array, values: Float32Array, weight: number): void => {
  for (let i = 0; i < values.length; i++) sum[i]! += weight * values[i]!;
};

/** weights += rate · sum / ratings, and sum = 0. Returns the mean's Σ of squares. */
const move = (weights: Float32Array, sum: Float32Array, ratings: number, rate: number): number => {
  let squares = 0;
  for (let i = 0; i < sum.length; i++) {
    const mean = sum[i]! / ratings;
    squares += mean * mean;
    weights[i]! += rate * mean;
  }
  sum.fill(0);
  return squares;
};

const createServerHalf = async (world: World, options: FedAvgOptions, server: ServerOptions): Promise<ServerHalf> => {
  const d = options.itemEmbedding;
  const arena = createArena();
  const parameters = sharedTensors(options).map(({ name, perRow, shape }) => {
    const size = shape.reduce((product, length) => product * length, 1) * (perRow ? world.items : 1);
    return createParameter(name, { memory: 0, arena }, { blocks: 1, size, sparse: false }, 'none');
  });
  const pool = await createKernelPool({ reference: referenceKernels, threads: 1, memories: [arena.memory] });
  initialize(parameters.map(valuesOf), world, options, server.seed);
  const sums = parameters.map((parameter) => new Float32Array(elementsOf(parameter)));
  let ratings = 0;

  /** What a round's devices are sent, copied once for all: shared memory is slow to encode from (messages/frame.ts). */
  const sent = sums.map(({ length }) => new Float32Array(length));
  const generate = (wanted: readonly Rows[]): readonly GeneratedModel[] => {
    const [items, ...dense] = sent;
    return wanted.map((rows) => [[rows === null ? items! : gather(items!, rows, d)], ...dense.map((values) => [values])]);
  };

  /** sum += count · Δ, row by row for the items. */
  const addUpdate = ({ count, rows, tensors }: ClientUpdate): void => {
    ratings += count;
    addRows(sums[0]!, rows, tensors[0]!, d, count);
    for (let index = 1; index < sums.length; index++) add(sums[index]!, tensors[index]!, count);
  };

  return {
    parameters,
    kernels: pool.implementation,
    chunk: Math.max(1, Math.floor(CHUNK_ELEMENTS / (world.items * d))),
    prepare: () => sent.forEach((values, index) => void values.set(valuesOf(parameters[index]!))),
    generate: (_first, rows) => () => generate(rows),
    accumulate: (updates) => updates.forEach(addUpdate),
    step: (learningRate) => {
      if (ratings === 0) return { gradientNorm: 0, clipped: false };
      const squares = sums.reduce((total, sum, index) => total + move(valuesOf(parameters[index]!), sum, ratings, learningRate), 0);
      ratings = 0;
      return { gradientNorm: Math.sqrt(squares), clipped: false };
    },
    settle: () => {},
    state: () => null,
    restore: () => {},
    close: () => pool.close(),
  };
};

/**
 * Federated averaging (McMahan et al., AISTATS 2017) of item embeddings and a small prediction network, with user vectors
 * that never leave their devices. The server adds the ratings-weighted mean of the devices' differences, times its own
 * rate (1 in the original).
 */
export const createFedAvg = (world: World, options: FedAvgOptions): Algorithm => ({
  name: 'fedavg',
  tensors: sharedTensors(options),
  device: createDeviceHalf(options),
  createServer: (server) => createServerHalf(world, options, server),
});
