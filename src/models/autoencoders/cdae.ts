import { z } from 'zod';
import { createAdamHyper } from '../../tensor/optimizers/adam-hyper.js';
import { defineModel, type Facts, type Model } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import type { ColumnBatch } from './column-batches.js';
import { createCorruption, unitLength } from './corruption.js';
import { createDenseDecoder } from './dense-decoder.js';
import { ADAM_STATE, createEncoder, momentsOf, normal, sparseOf } from './encoder.js';
import { createRowScores } from './row-scores.js';

const OPTIONS = z.strictObject({
  hidden: z.int().min(4).multipleOf(4).default(200).describe('hidden units, a multiple of 4'),
  batch: z.int().min(1).default(250).describe('users in a step'),
  rate: z.number().positive().default(0.01).describe("Adam's learning rate"),
  dropout: z.number().min(0).lt(1).default(0.5).describe('probability that an item is left out of the input'),
  decay: z.number().min(0).default(0.0).describe('L2 weight of the matrices, and of the vectors of users'),
});
type Options = z.infer<typeof OPTIONS>;

/** Standard deviation of the initial weights. */
const DEVIATION = 0.03;

/**
 * CDAE: h = tanh(x̃ V + U_u + c), x̂ = σ(h W + b) (equations 6 and 7). The row x̃ of a user is corrupted. U_u is a vector of its own.
 * The loss is the cross-entropy of all items, so no negatives are drawn. Scores are the logits without corruption.
 */
const create = (facts: Facts, options: Options, engine: Engine): Model => {
  const { hidden: width, batch, rate, dropout, decay } = options;
  const matrix = sparseOf(engine, facts.users, facts.items, 'users');
  const { rows, columns, byRow } = matrix;
  const size = Math.min(batch, rows);
  const encoder = createEncoder(engine, matrix, { width, batch, deviation: DEVIATION });
  const decoder = createDenseDecoder(engine, { rows: size, columns, width, deviation: DEVIATION });
  const own = engine.tensor({ name: 'users', shape: [rows, width], initial: normal(DEVIATION), state: ADAM_STATE });
  const { kernels, hidden, slopes } = encoder;
  const { arena, allocate } = engine;
  const scaleOf = unitLength(byRow);
  const corrupt = createCorruption(matrix.byColumn, dropout, Number.NaN, scaleOf);
  const [users, hyper] = [allocate(size), createAdamHyper(arena)];
  const [moment, variance] = momentsOf(own);

  const step = (number: number, epoch: number, cells: ColumnBatch, batchUsers: Uint32Array): number => {
    const count = cells.rows;
    const settings = { rate, decay, scale: 1 / count };
    encoder.encode(cells);
    batchUsers.forEach((user, slot) => kernels.axpy(width, 1, own.pointer + 4 * user * width, hidden + 4 * slot * width));
    kernels.tanh(count * width, hidden);
    decoder.decode(count, hidden, width);
    arena.u32(users, count).set(batchUsers);
    const loss = kernels.logisticLoss(count, columns, users, byRow.pointers.offsets, byRow.pointers.ids, decoder.logits);
    decoder.step(count, hidden, width, slopes, width, number, settings);
    kernels.tanhBackward(count * width, hidden, slopes);
    encoder.step(number, settings);
    // A user is in one batch of an epoch: its vector has taken as many steps as there were epochs.
    const pointer = hyper.write(epoch, settings);
    batchUsers.forEach((user, slot) => {
      const at = 4 * user * width;
      kernels.adam(width, own.pointer + at, moment + at, variance + at, slopes + 4 * slot * width, pointer);
    });
    return loss;
  };

  const encodeRow = (user: number, out: number): void => {
    encoder.encodeRow(user, out, () => scaleOf(user));
    kernels.axpy(width, 1, own.pointer + 4 * user * width, out);
    kernels.tanh(width, out);
  };

  return {
    tensors: [...encoder.tensors, own, ...decoder.tensors],
    epoch: ({ number, random, users: usersInOrder }) => {
      const order = usersInOrder();
      const batches = encoder.cut(order, corrupt(random('dropout')));
      const loss = batches.reduce(
        (sum, cells, index) =>
          sum + step((number - 1) * batches.length + index + 1, number, cells, order.subarray(index * size, index * size + cells.rows)),
        0,
      );
      return loss / (rows * columns);
    },
    ...createRowScores(engine, columns, width, encodeRow, decoder),
  };
};

export const cdae = defineModel<Options>({
  name: 'cdae',
  version: '1',
  title: 'denoising autoencoder of users with a vector for each user',
  paper: 'Wu, DuBois, Zheng, Ester: Collaborative Denoising Auto-Encoders for Top-N Recommender Systems. WSDM, 2016',
  options: OPTIONS,
  traits: { task: 'ranking', feedback: 'implicit', training: 'epochs' },
  defaults: { epochs: 50, patience: 10 },
  create,
});
