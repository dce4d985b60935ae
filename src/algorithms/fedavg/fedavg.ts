import { random } from '../../base/random.js';
import { createKernelPool } from '../../tensor/kernel-pool.js';
import { createArena } from '../../tensor/memory.js';
import { createParameter, elementsOf, type Parameter } from '../../tensor/parameter.js';
import type { Algorithm, ClientUpdate, GeneratedModel, Rows, ServerHalf, ServerOptions, World } from '../algorithm.js';
import { createDeviceHalf } from './device.js';
import { type FedAvgOptions, sharedTensors } from './options.js';

/** Generated rows a chunk may hold, in 4-byte elements. */
const CHUNK_ELEMENTS = 1 << 24;

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

const createServerHalf = async (world: World, options: FedAvgOptions, server: ServerOptions): Promise<ServerHalf> => {
  const d = options.itemEmbedding;
  const arena = createArena();
  const parameters = sharedTensors(options).map(({ name, perRow, shape }) => {
    const size = shape.reduce((product, length) => product * length, 1) * (perRow ? world.items : 1);
    return createParameter(name, { memory: 0, arena }, { blocks: 1, size, sparse: false }, 'none');
  });
  const pool = await createKernelPool({ threads: 1, memories: [arena.memory] });
  initialize(parameters.map(valuesOf), world, options, server.seed);
  const sums = parameters.map((parameter) => new Float32Array(elementsOf(parameter)));
  let ratings = 0;

  const modelFor = (rows: Rows): GeneratedModel => {
    const [items, ...dense] = parameters.map(valuesOf);
    if (rows === null) return [[items!], ...dense.map((values) => [values])];
    const some = new Float32Array(rows.length * d);
    rows.forEach((row, index) => some.set(items!.subarray(row * d, (row + 1) * d), index * d));
    return [[some], ...dense.map((values) => [values])];
  };

  /** sum += count · Δ, row by row for the items. */
  const add = ({ count, rows, tensors }: ClientUpdate): void => {
    ratings += count;
    const [items, ...dense] = tensors;
    rows.forEach((row, index) => {
      for (let e = 0; e < d; e++) sums[0]![row * d + e]! += count * items![index * d + e]!;
    });
    dense.forEach((values, index) => {
      const sum = sums[index + 1]!;
      for (let i = 0; i < values.length; i++) sum[i]! += count * values[i]!;
    });
  };

  return {
    parameters,
    kernels: pool.implementation,
    chunk: Math.max(1, Math.floor(CHUNK_ELEMENTS / (world.items * d))),
    prepare: () => {},
    generate: (_first, rows) => rows.map(modelFor),
    accumulate: (updates) => updates.forEach(add),
    step: (learningRate) => {
      if (ratings === 0) return { gradientNorm: 0, clipped: false };
      let squares = 0;
      sums.forEach((sum, index) => {
        const weights = valuesOf(parameters[index]!);
        for (let i = 0; i < sum.length; i++) {
          const mean = sum[i]! / ratings;
          squares += mean * mean;
          weights[i]! += learningRate * mean;
        }
        sum.fill(0);
      });
      ratings = 0;
      return { gradientNorm: Math.sqrt(squares), clipped: false };
    },
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
