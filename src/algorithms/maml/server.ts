import { createServerStep, type ServerOptimizer, startMoments } from '../fedavg/server-optimizer.js';
import { type Stepped, scheduleShare, stepTensor } from '../fedavg/server-step.js';
import type { World } from '../port/definition.js';
import type { ServerHalf, ServerRuntime } from '../port/server.js';
import { serveSharedModel } from '../port/shared-model.js';
import { type MamlOptions, sharedTensors, wireOf } from './options.js';

/** Adam as FedAdam has it (fedavg/server-optimizer.ts). */
const ADAM: ServerOptimizer = { kind: 'adam', beta1: 0.9, beta2: 0.99, tau: 0.001 };

/** The spread of the first item vectors and of p0. */
const DEVIATION = 0.1;

/**
 * The server half: one step of Adam on the mean gradient of a round. Vectors start at N(0, 0.1²), offsets at 0, the bias of the start in the
 * middle of the scale, learned rates at the inner rate.
 */
export const createServerHalf = (world: World, options: MamlOptions, runtime: ServerRuntime): ServerHalf => {
  const { innerRate, rowWeighting, outerRate, outerSchedule, outerAnnealRounds } = options;
  const specs = sharedTensors(options);
  const tensors = runtime.createTensors(
    specs.map(({ name, perRow, shape }) => ({
      name,
      shape: perRow ? [world.items, ...shape] : shape,
      initial: (source, values) => {
        if (name === 'rates') values.fill(innerRate);
        if (name === 'items' || name === 'start') for (let at = 0; at < values.length; at++) values[at] = DEVIATION * source.normal();
      },
      state: ['moment', 'variance'],
    })),
  );
  tensors.values('start')[0] = (world.lowest + world.highest) / 2;
  const stepped = specs.map((spec): Stepped => {
    const moments = { first: tensors.values(spec.name, 'moment'), second: tensors.values(spec.name, 'variance') };
    startMoments(ADAM, moments);
    return { spec, weights: tensors.values(spec.name), moments };
  });
  const step = createServerStep(ADAM);
  return serveSharedModel({
    wire: wireOf(options),
    world,
    tensors,
    step: (sum, _learningRate, round) => {
      const rate = outerRate * scheduleShare(outerSchedule, outerAnnealRounds, round, runtime.rounds);
      // Down the gradient.
      const squares = stepped.map((tensor, index) =>
        stepTensor(tensor, step, sum, sum.tensors[index]!, { rowWeighting, untouchedRows: 'decay' }, -rate),
      );
      return { gradientNorm: Math.sqrt(squares.reduce((total, some) => total + some, 0)), clipped: false };
    },
  });
};
