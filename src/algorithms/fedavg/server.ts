import type { World } from '../port/definition.js';
import type { ServerHalf, ServerRuntime, Tensors } from '../port/server.js';
import { serveSharedModel } from '../port/shared-model.js';
import { type FedAvgOptions, isControl, modelTensors, serverOptimizerOf, serverRateOf, sharedTensors, wireOf } from './options.js';
import { createServerStep, keepsFirst, keepsSecond, startMoments } from './server-optimizer.js';
import { type Stepped, scheduleShare, stepTensor } from './server-step.js';

const NOTHING = new Float32Array(0);

/** Θ: the model, its control variates, and what the server optimizer remembers of each tensor of the model. */
const createShared = (world: World, options: FedAvgOptions, runtime: ServerRuntime): Tensors => {
  const optimizer = serverOptimizerOf(options);
  const kept = [...(keepsFirst(optimizer) ? ['moment'] : []), ...(keepsSecond(optimizer) ? ['variance'] : [])];
  return runtime.createTensors(
    sharedTensors(options).map((spec) => ({
      name: spec.name,
      shape: spec.perRow ? [world.items, ...spec.shape] : spec.shape,
      state: isControl(spec) ? [] : kept,
    })),
  );
};

/** N(0, 0.1²) embeddings, Xavier-normal layers, zero biases; b2 in the middle of the scale, unless devices subtract their centre. */
const initialize = (tensors: Tensors, world: World, options: FedAvgOptions, runtime: ServerRuntime): void => {
  const { model, itemEmbedding: d, units: f, centring } = options;
  const deviations = model === 'dot' ? [0.1, 0] : [0.1, Math.sqrt(2 / (d + f)), 0, Math.sqrt(2 / (f + 1)), 0];
  modelTensors(options).forEach(({ name }, index) => {
    const [values, source] = [tensors.values(name), runtime.random('initialize', index)];
    for (let i = 0; i < values.length; i++) values[i] = deviations[index]! * source.normal();
  });
  if (model === 'mlp' && centring === 'none') tensors.values('b2')[0] = (world.lowest + world.highest) / 2;
};

const steppedTensors = (tensors: Tensors, options: FedAvgOptions): readonly Stepped[] => {
  const optimizer = serverOptimizerOf(options);
  return sharedTensors(options).map((spec): Stepped => {
    const keeps = (kind: typeof keepsFirst): boolean => !isControl(spec) && kind(optimizer);
    const moments = {
      first: keeps(keepsFirst) ? tensors.values(spec.name, 'moment') : NOTHING,
      second: keeps(keepsSecond) ? tensors.values(spec.name, 'variance') : NOTHING,
    };
    startMoments(optimizer, moments);
    return { spec, weights: tensors.values(spec.name), moments };
  });
};

/**
 * The server half. Control variates: c ← c + |S|/N · mean Δc (Karimireddy et al., ICML 2020, algorithm 1, line 17).
 * The mean has the weights of the model's mean. The digest of Θ covers c, too: later steps follow from it as from the weights.
 */
export const createServerHalf = (world: World, options: FedAvgOptions, runtime: ServerRuntime): ServerHalf => {
  const optimizer = serverOptimizerOf(options);
  const tensors = createShared(world, options, runtime);
  initialize(tensors, world, options, runtime);
  const stepped = steppedTensors(tensors, options);
  const [step, average] = [createServerStep(optimizer), createServerStep({ ...optimizer, kind: 'sgd' })];
  return serveSharedModel({
    wire: wireOf(options),
    world,
    tensors,
    step: (sum, _learningRate, round) => {
      const rate = serverRateOf(options) * scheduleShare(options.serverSchedule, options.serverAnnealRounds, round, runtime.rounds);
      let squares = 0;
      stepped.forEach((tensor, index) => {
        const values = sum.tensors[index]!;
        if (isControl(tensor.spec))
          stepTensor(tensor, average, sum, values, { ...options, untouchedRows: 'keep' }, sum.updates / world.devices);
        else squares += stepTensor(tensor, step, sum, values, options, rate);
      });
      return { gradientNorm: Math.sqrt(squares), clipped: false };
    },
  });
};
