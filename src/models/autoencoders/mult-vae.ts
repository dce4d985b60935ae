import { z } from 'zod';
import { defineModel, type Facts, type Model } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import type { ColumnBatch } from './column-batches.js';
import { createCorruption, unitLength } from './corruption.js';
import { createDenseDecoder } from './dense-decoder.js';
import { createEncoder, sparseOf } from './encoder.js';
import { drawLatent, latentSlopes } from './latent.js';
import { createRowScores } from './row-scores.js';

const OPTIONS = z.strictObject({
  latent: z.int().min(4).multipleOf(4).default(200).describe('latent variables, a multiple of 4'),
  batch: z.int().min(1).default(250).describe('users in a step'),
  rate: z.number().positive().default(0.005).describe("Adam's learning rate"),
  dropout: z.number().min(0).lt(1).default(0.5).describe('probability that an item is left out of the input'),
  divergence: z.number().min(0).default(0.2).describe('β: weight of the divergence from the prior, when it is annealed'),
  anneal: z.int().min(0).default(50).describe('epochs in which β grows from 0'),
  decay: z.number().min(0).default(0).describe('L2 weight of the matrices'),
});
type Options = z.infer<typeof OPTIONS>;

/** Standard deviation of the initial weights. */
const DEVIATION = 0.03;

/**
 * Mult-VAE: q(z|x) = N(μ(x), σ²(x)) of one linear layer on the corrupted row of unit length, p(x|z) = multinomial of softmax(z W + b).
 * The objective is the mean over users of −Σ x log p + β·KL (equations 4 and 6). Scores are the logits of the mean μ(x), without noise.
 */
const create = (facts: Facts, options: Options, engine: Engine): Model => {
  const { latent: width, batch, rate, dropout, divergence, anneal, decay } = options;
  const matrix = sparseOf(engine, facts.users, facts.items, 'users');
  const { rows, columns, byRow } = matrix;
  const size = Math.min(batch, rows);
  const encoder = createEncoder(engine, matrix, { width: 2 * width, batch, deviation: DEVIATION });
  const decoder = createDenseDecoder(engine, { rows: size, columns, width, deviation: DEVIATION });
  const { kernels, hidden, slopes } = encoder;
  const { arena, allocate } = engine;
  const scaleOf = unitLength(byRow);
  const corrupt = createCorruption(matrix.byColumn, dropout, Number.NaN, scaleOf);
  const [sample, noise, dSample, users] = [allocate(size * width), allocate(size * width), allocate(size * width), allocate(size)];
  const row = (pointer: number, slot: number, count = width): Float32Array => arena.f32(pointer + 4 * slot * count, count);

  const step = (
    number: number,
    cells: ColumnBatch,
    batchUsers: Uint32Array,
    source: ReturnType<Engine['random']>,
    weight: number,
  ): number => {
    const count = cells.rows;
    const settings = { rate, decay: decay * count, scale: 1 / count };
    encoder.encode(cells);
    let loss = 0;
    for (let slot = 0; slot < count; slot++)
      loss += weight * drawLatent(row(hidden, slot, 2 * width), { z: row(sample, slot), noise: row(noise, slot) }, source);
    decoder.decode(count, sample, width);
    arena.u32(users, count).set(batchUsers);
    loss += kernels.softmaxLoss(count, columns, users, byRow.pointers.offsets, byRow.pointers.ids, decoder.logits);
    kernels.zero(count * width, dSample);
    decoder.step(count, sample, width, dSample, width, number, settings);
    for (let slot = 0; slot < count; slot++)
      latentSlopes(row(hidden, slot, 2 * width), row(noise, slot), row(dSample, slot), weight, row(slopes, slot, 2 * width));
    encoder.step(number, settings);
    return loss;
  };

  return {
    tensors: [...encoder.tensors, ...decoder.tensors],
    epoch: ({ number, random, users: usersInOrder }) => {
      const order = usersInOrder();
      const batches = encoder.cut(order, corrupt(random('dropout')));
      const [steps, noiseSource] = [batches.length, random('latent')];
      const loss = batches.reduce((sum, cells, index) => {
        const at = (number - 1) * steps + index + 1;
        const weight = anneal === 0 ? divergence : divergence * Math.min(1, at / (anneal * steps));
        return sum + step(at, cells, order.subarray(index * size, index * size + cells.rows), noiseSource, weight);
      }, 0);
      return loss / rows;
    },
    ...createRowScores(engine, columns, 2 * width, (user, out) => encoder.encodeRow(user, out, () => scaleOf(user)), decoder),
  };
};

export const multVae = defineModel<Options>({
  name: 'mult-vae',
  version: '1',
  title: 'variational autoencoder of users with a multinomial likelihood over all items',
  paper: 'Liang, Krishnan, Hoffman, Jebara: Variational Autoencoders for Collaborative Filtering. WWW, 2018',
  options: OPTIONS,
  traits: { task: 'ranking', feedback: 'implicit', training: 'epochs' },
  defaults: { epochs: 50, patience: 10 },
  create,
});
