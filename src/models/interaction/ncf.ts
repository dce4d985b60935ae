import { z } from 'zod';
import { badInput } from '../../base/errors.js';
import type { Random } from '../../base/random.js';
import { createStruct, write } from '../../tensor/memory/struct.js';
import { createAdamHyper } from '../../tensor/optimizers/adam-hyper.js';
import { defineModel, type Facts, type Model } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import type { Batch, Epoch } from '../port/epoch.js';
import { createDenseLayer } from './dense-layer.js';
import { interactionKernels } from './kernels/interaction-reference.js';
import * as Pairs from './kernels/structs/pairs.js';
import { createLazyRows } from './lazy-rows.js';

const OPTIONS = z.strictObject({
  factors: z.int().min(4).multipleOf(4).default(64).describe('length of each of the four embeddings, a multiple of 4'),
  layers: z
    .int()
    .min(1)
    .max(5)
    .default(2)
    .describe('hidden layers: the first has as many units as an embedding, each other half of the one below'),
  batch: z.int().min(1).default(2048).describe('ratings in a step'),
  rate: z.number().positive().default(0.002).describe("Adam's learning rate in the first epoch"),
  rateDecay: z.number().positive().max(1).default(0.9).describe('factor on the learning rate after each epoch'),
  decay: z.number().min(0).default(0.05).describe('λ: a step adds λ/2 · ‖row‖² of each row that it touches to its squared errors'),
});
type Options = z.infer<typeof OPTIONS>;

/** Standard deviation of the initial embeddings (the authors' program). */
const DEVIATION = 0.01;
/** Pairs that are scored in one call. */
const SCORED = 256;

/** Rows of two embeddings of d elements, and a bias that starts at zero. */
const embeddings =
  (d: number) =>
  (source: Random, values: Float32Array): void => {
    for (let at = 0; at < values.length; at += 2 * d + 4) for (let e = 0; e < 2 * d; e++) values[at + e] = DEVIATION * source.normal();
  };

/** Predictions become errors. Returns the sum of their squares. */
export const toErrors = (predictions: Float32Array, values: Float32Array): number => {
  let loss = 0;
  for (let r = 0; r < values.length; r++) {
    predictions[r]! -= values[r]!;
    loss += predictions[r]! * predictions[r]!;
  }
  return loss;
};

/** Weights of d products and f hidden units, and a bias that starts at the mean rating. */
const outputs =
  (d: number, f: number, mean: number) =>
  (source: Random, values: Float32Array): void => {
    for (let e = 0; e < d + f; e++) values[e] = source.normal() / Math.sqrt(d + f);
    values[d + f] = mean;
  };

/**
 * NeuMF for ratings: r̂ = w · [p ⊙ q, MLP([s, t])] + b + b_u + b_i (equation 12, without the sigmoid).
 * It has four embeddings of user and item. The loss is the squared error.
 * L2 reaches only rows that a batch has, once for each row. Once for each rating, the error on MovieLens-1M is higher (MSE .756).
 * The authors' program has no L2.
 */
const create = (facts: Facts, options: Options, engine: Engine): Model => {
  const { factors: d, layers: depth, batch, rate, rateDecay, decay } = options;
  const { arena, allocate } = engine;
  const kernels = engine.kernels(interactionKernels);
  const [room, size] = [Math.max(batch, SCORED), 2 * d + 4];
  const rowsOf = (name: string, rows: number) => createLazyRows(engine, kernels, { name, rows, size, most: batch }, embeddings(d));
  const [userRows, itemRows] = [rowsOf('users', facts.users), rowsOf('items', facts.items)];
  const layers = Array.from({ length: depth }, (_, index) =>
    createDenseLayer(engine, kernels, { name: `layer${index + 1}`, rows: room, inputs: (2 * d) >> index, outputs: d >> index }),
  );
  const top = layers.at(-1)!;
  const f = d >> (depth - 1);
  const output = engine.tensor({
    name: 'output',
    shape: [d + f + 4],
    initial: outputs(d, f, facts.mean),
    state: ['moment', 'variance'],
  });
  const [users, items, joined, joinedSlopes] = [allocate(room), allocate(room), allocate(2 * room * d), allocate(2 * room * d)];
  const [product, outputSlopes, out] = [allocate(room * d), allocate(d + f + 4), allocate(room)];
  const job = createStruct(arena, Pairs);
  write(job.view, Pairs, { width: d, last: f, users, items, product, joined, joinedSlopes, output: output.pointer, outputSlopes });
  write(job.view, Pairs, {
    userRows: userRows.tensor.pointer,
    itemRows: itemRows.tensor.pointer,
    hidden: top.output,
    hiddenSlopes: top.slopes,
  });
  write(job.view, Pairs, { userSlopes: userRows.slopes, itemSlopes: itemRows.slopes });
  const [plain, regularized] = [createAdamHyper(arena), createAdamHyper(arena)];
  const inputOf = (index: number): number => (index === 0 ? joined : layers[index - 1]!.output);

  const predict = (count: number): Float32Array => {
    kernels.gatherPairs(job.pointer, count);
    layers.forEach((layer, index) => layer.forward(count, inputOf(index)));
    kernels.outputPairs(job.pointer, count, out);
    return arena.f32(out, count);
  };

  const step = (number: number, now: number, { users: us, items: is, values }: Batch): number => {
    const count = values.length;
    arena.u32(users, count).set(us);
    arena.u32(items, count).set(is);
    const loss = toErrors(predict(count), values);
    kernels.zero(d + f + 4, outputSlopes);
    kernels.outputPairsBackward(job.pointer, count, out);
    for (let index = depth - 1; index >= 0; index--)
      layers[index]!.backward(count, inputOf(index), index === 0 ? joinedSlopes : layers[index - 1]!.slopes);
    kernels.scatterPairs(job.pointer, count, out);
    const pointer = plain.write(number, { rate: now, scale: 2 / count });
    const ofRows = regularized.write(number, { rate: now, scale: 2 / count, decay: decay / count });
    for (const layer of layers) layer.step(pointer);
    kernels.adam(d + f + 4, output.pointer, output.state[0]!.pointer, output.state[1]!.pointer, outputSlopes, pointer);
    userRows.step(us, ofRows);
    itemRows.step(is, ofRows);
    return loss;
  };

  const stepsAnEpoch = Math.ceil(facts.train.items.length / batch);
  return {
    tensors: [userRows.tensor, itemRows.tensor, ...layers.flatMap(({ tensors }) => tensors), output],
    epoch: (epoch: Epoch) => {
      const now = rate * rateDecay ** (epoch.number - 1);
      let [loss, number] = [0, (epoch.number - 1) * stepsAnEpoch];
      for (const one of epoch.batches(batch)) loss += step(++number, now, one);
      return loss / facts.train.items.length;
    },
    scores: (user, list, into) => {
      for (let first = 0; first < list.length; first += SCORED) {
        const some = list.subarray(first, first + SCORED);
        arena.u32(users, some.length).fill(user);
        arena.u32(items, some.length).set(some);
        into.set(predict(some.length), first);
      }
    },
  };
};

export const ncf = defineModel<Options>({
  name: 'ncf',
  version: '1',
  title: 'NeuMF for ratings: a product of embeddings and a network on others',
  paper: 'He, Liao, Zhang, Nie, Hu, Chua: Neural Collaborative Filtering. WWW, 2017',
  options: OPTIONS,
  traits: { task: 'rating', feedback: 'explicit', training: 'epochs' },
  defaults: { epochs: 20, patience: 3 },
  check: ({ factors, layers }) => {
    const least = 4 << (layers - 1);
    if (factors % least !== 0) throw badInput('CONFIG', 'key ncf.factors', `a multiple of ${least} with ${layers} layers`, String(factors));
  },
  create,
});
