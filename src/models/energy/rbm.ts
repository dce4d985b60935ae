import { z } from 'zod';
import type { Kernels } from '../../tensor/kernels/kernels.js';
import { referenceKernels } from '../../tensor/kernels/reference.js';
import type { Pointer } from '../../tensor/memory/arena.js';
import type { ColumnBatch } from '../autoencoders/column-batches.js';
import { sparseOf } from '../autoencoders/encoder.js';
import { defineModel, type Facts, type Model, type ModelDefinition } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import { ratingLevels } from './rating-levels.js';
import { createSoftmaxUnits } from './softmax-units.js';

type Options = {
  readonly hidden: number;
  readonly batch: number;
  readonly rate: number;
  readonly rateDecay: number;
  readonly decay: number;
  readonly steps: number;
};

/**
 * A restricted Boltzmann machine for each row, of the cells that it has; rows share all weights. Ratings are softmax units (equations 1 and 2).
 * Training is contrastive divergence (equation 6): hidden units are drawn, reconstructed ratings are probabilities.
 * A prediction is the mean of p(v | p(h | row)), one mean-field pass over the training row (section 2.2). Rows are users or items.
 */
const createRbm = (rowsAre: 'items' | 'users', facts: Facts, options: Options, engine: Engine): Model => {
  const { hidden: width, batch, rate, rateDecay, decay, steps } = options;
  const { arena, allocate } = engine;
  const matrix = sparseOf(engine, facts.users, facts.items, rowsAre);
  const { rows } = matrix;
  const size = Math.min(batch, rows);
  const kernels = engine.kernels<Kernels>(referenceKernels);
  const units = createSoftmaxUnits(engine, matrix, ratingLevels(facts), width, size);
  const [data, drawn, model] = [allocate(size * width), allocate(size * width), allocate(size * width)];

  const draw = (count: number, chances: Pointer, source: ReturnType<Engine['random']>): void => {
    const [from, to] = [arena.f32(chances, count), arena.f32(drawn, count)];
    for (let at = 0; at < count; at++) to[at] = source.uniform() < from[at]! ? 1 : 0;
  };
  const learn = (number: number, now: number, cells: ColumnBatch, source: ReturnType<Engine['random']>): number => {
    const count = cells.rows * width;
    units.encode(cells, data);
    kernels.sigmoid(count, data);
    let loss = 0;
    for (let step = 0; step < steps; step++) {
      draw(count, step === 0 ? data : model, source);
      const found = units.reconstruct(cells, drawn, model);
      if (step === 0) loss = found;
      kernels.sigmoid(count, model);
    }
    units.step(cells, data, model, number, { rate: now, decay, scale: 1 });
    return loss;
  };

  const encoded = allocate(rowsAre === 'items' ? rows * width : width);
  const encodeRow = (row: number, out: Pointer): void => {
    units.encodeRow(row, out);
    kernels.sigmoid(width, out);
  };
  const prepare = (): void => {
    for (let row = 0; row < rows; row++) encodeRow(row, encoded + 4 * row * width);
  };
  return {
    tensors: units.tensors,
    epoch: ({ number, order, random }) => {
      const [batches, source, now] = [units.cut(order('rows', rows)), random('hidden'), rate * rateDecay ** (number - 1)];
      const loss = batches.reduce((sum, cells, index) => sum + learn((number - 1) * batches.length + index + 1, now, cells, source), 0);
      return loss / facts.train.items.length;
    },
    ...(rowsAre === 'items' && { prepare }),
    scores: (user, items, out) => {
      if (rowsAre === 'users') encodeRow(user, encoded);
      items.forEach((item, at) => {
        out[at] = rowsAre === 'users' ? units.expected(item, encoded) : units.expected(user, encoded + 4 * item * width);
      });
    },
  };
};

const rbm = (name: string, title: string, rowsAre: 'items' | 'users', defaults: Options): ModelDefinition<Options> =>
  defineModel<Options>({
    name,
    version: '1',
    title,
    paper: 'Salakhutdinov, Mnih, Hinton: Restricted Boltzmann Machines for Collaborative Filtering. ICML, 2007',
    options: z.strictObject({
      hidden: z.int().min(4).multipleOf(4).default(defaults.hidden).describe('hidden units, a multiple of 4'),
      batch: z.int().min(1).default(defaults.batch).describe('rows of the rating matrix in a step'),
      rate: z.number().positive().default(defaults.rate).describe("Adam's learning rate in the first epoch"),
      rateDecay: z.number().positive().max(1).default(defaults.rateDecay).describe('factor on the learning rate after each epoch'),
      decay: z.number().min(0).default(defaults.decay).describe('λ: a step adds λ/2 · ‖W‖² to the sum over its batch'),
      steps: z.int().min(1).default(defaults.steps).describe('Gibbs steps of contrastive divergence'),
    }),
    traits: { task: 'rating', feedback: 'explicit', training: 'epochs' },
    defaults: { epochs: 16, patience: 5 },
    create: (facts, options, engine) => createRbm(rowsAre, facts, options, engine),
  });

export const rbmU = rbm('rbm-u', "restricted Boltzmann machine on users' rows, with softmax ratings", 'users', {
  hidden: 100,
  batch: 100,
  rate: 0.005,
  rateDecay: 0.88,
  decay: 0.15,
  steps: 1,
});

export const rbmI = rbm('rbm-i', "restricted Boltzmann machine on items' rows, with softmax ratings", 'items', {
  hidden: 100,
  batch: 100,
  rate: 0.008,
  rateDecay: 0.9,
  decay: 0.3,
  steps: 1,
});
