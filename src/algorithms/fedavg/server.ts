import type { Random } from '../../base/random.js';
import type { World } from '../port/definition.js';
import type { ServerHalf, ServerRuntime, Tensors } from '../port/server.js';
import { serveSharedModel } from '../port/shared-model.js';
import { type FedAvgOptions, sharedTensors } from './options.js';

/** N(0, 0.1²) embeddings, Xavier-normal layers, zero biases, b2 in the middle of the scale. */
const createShared = (world: World, options: FedAvgOptions, runtime: ServerRuntime): Tensors => {
  const { itemEmbedding: d, units: f } = options;
  const deviations = [0.1, Math.sqrt(2 / (d + f)), 0, Math.sqrt(2 / (f + 1)), 0];
  const fill = (values: Float32Array, deviation: number, source: Random): void => {
    for (let i = 0; i < values.length; i++) values[i] = deviation * source.normal();
  };
  const tensors = runtime.createTensors(
    sharedTensors(options).map(({ name, perRow, shape }, index) => ({
      name,
      shape: perRow ? [world.items, ...shape] : shape,
      initial: (_source, values) => fill(values, deviations[index]!, runtime.random('initialize', index)),
    })),
  );
  tensors.values('b2')[0] = (world.lowest + world.highest) / 2;
  return tensors;
};

/** weights += rate · sum / weight. Returns the mean's Σ of squares. */
const move = (weights: Float32Array, sum: Float32Array, weight: number, rate: number): number => {
  let squares = 0;
  for (let i = 0; i < sum.length; i++) {
    const mean = sum[i]! / weight;
    squares += mean * mean;
    weights[i]! += rate * mean;
  }
  return squares;
};

export const createServerHalf = (world: World, options: FedAvgOptions, runtime: ServerRuntime): ServerHalf => {
  const specs = sharedTensors(options);
  const tensors = createShared(world, options, runtime);
  return serveSharedModel({
    wire: { down: specs, up: specs },
    world,
    tensors,
    step: ({ weight, tensors: sums }) => {
      const squares = sums.reduce(
        (total, sum, index) => total + move(tensors.values(specs[index]!.name), sum, weight, options.serverRate),
        0,
      );
      return { gradientNorm: Math.sqrt(squares), clipped: false };
    },
  });
};
