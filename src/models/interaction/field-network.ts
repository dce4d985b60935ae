import { z } from 'zod';
import type { Random } from '../../base/random.js';
import { createAdamHyper } from '../../tensor/optimizers/adam-hyper.js';
import type { Facts, Model, ModelDefinition } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import type { Batch } from '../port/epoch.js';
import { createDenseLayer } from './dense-layer.js';
import { createFieldRows } from './field-rows.js';
import { interactionKernels } from './kernels/interaction-reference.js';
import { toErrors } from './ncf.js';

/** Options of networks on fields: all of them have the same. */
export const NETWORK_OPTIONS = z.strictObject({
  factors: z.int().min(4).multipleOf(4).default(16).describe('length of the embedding of a field, a multiple of 4'),
  units: z.int().min(4).multipleOf(4).default(64).describe('units of each hidden layer, a multiple of 4'),
  layers: z.int().min(1).max(5).default(2).describe('hidden layers'),
  features: z.enum(['all', 'none']).default('all').describe("all: the dataset's features of users and items; none: user and item alone"),
  batch: z.int().min(1).default(1024).describe('ratings in a step'),
  rate: z.number().positive().default(0.002).describe("Adam's learning rate in the first epoch"),
  rateDecay: z.number().positive().max(1).default(0.8).describe('factor on the learning rate after each epoch'),
  decay: z.number().min(0).default(0.05).describe('λ: a step adds λ/2 · ‖row‖² of each row that it touches to its squared errors'),
});
export type NetworkOptions = z.infer<typeof NETWORK_OPTIONS>;

/**
 * ŷ = μ + Σ w x [+ Σ_e pooled] + h · MLP(input), and its loss is the squared error.
 *
 *   Wide & Deep   input: the embeddings of all fields, one after the other
 *   DeepFM        the same, and the pairs of a factorization machine
 *   NFM           input: the pooled pairs
 */
export type NetworkShape = { readonly pairs: boolean; readonly input: 'fields' | 'pooled' };

/** Pairs that are scored in one call. */
const SCORED = 256;

/** Weights of `units`, and a bias that starts at the mean rating. */
const outputs =
  (units: number, mean: number) =>
  (source: Random, values: Float32Array): void => {
    for (let e = 0; e < units; e++) values[e] = source.normal() / Math.sqrt(units);
    values[units] = mean;
  };

const createFieldNetwork = (facts: Facts, options: NetworkOptions, engine: Engine, { pairs, input }: NetworkShape): Model => {
  const { factors: d, units, layers: depth, features, batch, rate, rateDecay, decay } = options;
  const { arena, allocate } = engine;
  const kernels = engine.kernels(interactionKernels);
  const room = Math.max(batch, SCORED);
  const rows = createFieldRows(engine, kernels, facts, { factors: d, features, rows: room });
  const inputs = input === 'fields' ? rows.fields * d : d;
  const below = input === 'fields' ? rows.embedded : rows.pooled;
  const layers = Array.from({ length: depth }, (_, index) =>
    createDenseLayer(engine, kernels, { name: `layer${index + 1}`, rows: room, inputs: index === 0 ? inputs : units, outputs: units }),
  );
  const top = layers.at(-1)!;
  const size = units + 4;
  const output = engine.tensor({ name: 'output', shape: [size], initial: outputs(units, facts.mean), state: ['moment', 'variance'] });
  const [outputSlopes, inputSlopes] = [allocate(size), allocate(room * inputs)];
  const [hidden, hiddenSlopes] = [arena.f32(top.output, room * units), arena.f32(top.slopes, room * units)];
  const [ofOutput, ofInput, ofPairs] = [arena.f32(outputSlopes, size), arena.f32(inputSlopes, room * inputs), new Float32Array(room * d)];
  const pooled = arena.f32(rows.pooled, room * d);
  const errors = new Float32Array(room);
  const [plain, regularized] = [createAdamHyper(arena), createAdamHyper(arena)];
  const inputOf = (index: number): number => (index === 0 ? below : layers[index - 1]!.output);

  const predict = (users: Uint32Array, items: Uint32Array, out: Float32Array): void => {
    rows.gather(users, items);
    layers.forEach((layer, index) => layer.forward(users.length, inputOf(index)));
    for (let r = 0; r < users.length; r++) {
      let sum = output.values[units]! + rows.linear[r]!;
      for (let e = 0; e < units; e++) sum += output.values[e]! * hidden[r * units + e]!;
      if (pairs) for (let e = 0; e < d; e++) sum += pooled[r * d + e]!;
      out[r] = sum;
    }
  };
  /** Gradients of the output and of the last hidden layer; pairs have the error itself. */
  const backFromOutput = (count: number): void => {
    ofOutput.fill(0);
    for (let r = 0; r < count; r++) {
      for (let e = 0; e < units; e++) {
        ofOutput[e]! += errors[r]! * hidden[r * units + e]!;
        hiddenSlopes[r * units + e] = errors[r]! * output.values[e]!;
      }
      ofOutput[units]! += errors[r]!;
      if (pairs) ofPairs.fill(errors[r]!, r * d, (r + 1) * d);
    }
  };
  const step = (number: number, now: number, { users, items, values }: Batch): number => {
    const count = values.length;
    predict(users, items, errors);
    const loss = toErrors(errors, values);
    backFromOutput(count);
    for (let index = depth - 1; index >= 0; index--)
      layers[index]!.backward(count, inputOf(index), index === 0 ? inputSlopes : layers[index - 1]!.slopes);
    const pointer = plain.write(number, { rate: now, scale: 2 / count });
    for (const layer of layers) layer.step(pointer);
    kernels.adam(size, output.pointer, output.state[0]!.pointer, output.state[1]!.pointer, outputSlopes, pointer);
    const ofPooled = input === 'pooled' ? ofInput : pairs ? ofPairs : null;
    const ofFields = { linear: errors, embedded: input === 'fields' ? ofInput : null, pooled: ofPooled };
    rows.step(ofFields, regularized.write(number, { rate: now, scale: 2 / count, decay: decay / count }));
    return loss;
  };

  const stepsAnEpoch = Math.ceil(facts.train.items.length / batch);
  return {
    tensors: [rows.tensor, ...layers.flatMap(({ tensors }) => tensors), output],
    epoch: (epoch) => {
      const now = rate * rateDecay ** (epoch.number - 1);
      let [loss, number] = [0, (epoch.number - 1) * stepsAnEpoch];
      for (const one of epoch.batches(batch)) loss += step(++number, now, one);
      return loss / facts.train.items.length;
    },
    scores: (user, list, out) => {
      for (let first = 0; first < list.length; first += SCORED) {
        const some = list.subarray(first, first + SCORED);
        predict(new Uint32Array(some.length).fill(user), some, out.subarray(first, first + SCORED));
      }
    },
  };
};

/** What the definitions of these networks have in common. */
export const networkDefinition = (shape: NetworkShape): Omit<ModelDefinition<NetworkOptions>, 'name' | 'title' | 'paper'> => ({
  version: '1',
  options: NETWORK_OPTIONS,
  traits: { task: 'rating', feedback: 'explicit', training: 'epochs', features: ['users', 'items'] },
  defaults: { epochs: 20, patience: 3 },
  create: (facts, options, engine) => createFieldNetwork(facts, options, engine, shape),
});
