import { z } from 'zod';
import { write } from '../../tensor/memory/struct.js';
import { createAdamHyper } from '../../tensor/optimizers/adam-hyper.js';
import { defineModel, type Facts, type Model, type ModelDefinition } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import type { Ordered } from '../port/orders.js';
import type { ColumnBatch } from './column-batches.js';
import { createCorruption } from './corruption.js';
import { ADAM_STATE, createEncoder, momentsOf, normal, sparseOf } from './encoder.js';
import * as Columns from './kernels/structs/columns.js';

type Options = {
  readonly hidden: number;
  readonly batch: number;
  readonly rate: number;
  readonly decay: number;
  readonly dropout: number;
  readonly centre: number;
};

/** Standard deviation of the initial weights. */
const DEVIATION = 0.03;
/** A column's mean counts as if it had so many more ratings of the global mean (Koren, 2010). */
const DAMPING = 5;

/** Where the biases of columns start: Adam would take hundreds of epochs to bring them there. */
const dampedMeans = ({ offsets, values }: Ordered, mean: number): Float32Array =>
  Float32Array.from({ length: offsets.length - 1 }, (_, column) => {
    const own = values.subarray(offsets[column]!, offsets[column + 1]!);
    return own.reduce((sum, value) => sum + value, DAMPING * mean) / (own.length + DAMPING);
  });

/**
 * AutoRec encodes and decodes a row r of ratings: h = σ(V r + μ), r̂ = W h + b (equation 1). Only cells that it has count.
 * The loss is Σ (r − r̂)² + λ/2 · (‖V‖² + ‖W‖²) a batch (equation 2), its optimizer Adam. Rows are items (AutoRec-I) or users (AutoRec-U).
 * V and W lie by columns, (columns, hidden), and are trained column by column. The input is a training row, never one to be predicted.
 */
const createAutoRec = (rowsAre: 'items' | 'users', facts: Facts, options: Options, engine: Engine): Model => {
  const { hidden: width, batch, rate, decay, dropout, centre } = options;
  const matrix = sparseOf(engine, facts.users, facts.items, rowsAre);
  const { rows, columns, byColumn } = matrix;
  const encoder = createEncoder(engine, matrix, { width, batch, deviation: DEVIATION });
  const { kernels, job, hidden, slopes } = encoder;
  const decoder = engine.tensor({ name: 'decoder', shape: [columns, width], initial: normal(DEVIATION), state: ADAM_STATE });
  const bias = engine.tensor({
    name: 'bias',
    shape: [columns],
    initial: (_, values) => values.set(dampedMeans(byColumn, facts.mean)),
    state: ADAM_STATE,
  });
  const [[decoderMoment, decoderVariance], [biasMoment, biasVariance]] = [momentsOf(decoder), momentsOf(bias)];
  write(job.view, Columns, { decoder: decoder.pointer, decoderMoment, decoderVariance, bias: bias.pointer, biasMoment, biasVariance });
  const hyper = createAdamHyper(engine.arena);
  const corrupt = createCorruption(byColumn, dropout, 0, (_, cell) => byColumn.values[cell]! - centre);

  const step = (number: number, cells: ColumnBatch): number => {
    const settings = { rate, decay, scale: 2 };
    encoder.encode(cells);
    kernels.sigmoid(cells.rows * width, hidden);
    const loss = kernels.stepDecoderColumns(job.pointer, 0, columns, hyper.write(number, settings));
    kernels.sigmoidBackward(cells.rows * width, hidden, slopes);
    encoder.step(number, settings);
    return loss;
  };

  const encoded = engine.allocate(rowsAre === 'items' ? rows * width : width);
  const encodeRow = (row: number, out: number): void => {
    encoder.encodeRow(row, out, (value) => value - centre);
    kernels.sigmoid(width, out);
  };
  const score = (column: number, from: number): number =>
    bias.values[column]! + kernels.dot(width, decoder.pointer + 4 * column * width, from);
  const prepare = (): void => {
    for (let row = 0; row < rows; row++) encodeRow(row, encoded + 4 * row * width);
  };

  return {
    tensors: [...encoder.tensors, decoder, bias],
    epoch: ({ number, order, random }) => {
      const batches = encoder.cut(order('autorec', rows), corrupt(random('dropout')));
      const loss = batches.reduce((sum, cells, index) => sum + step((number - 1) * batches.length + index + 1, cells), 0);
      return loss / byColumn.ids.length;
    },
    ...(rowsAre === 'items' && { prepare }),
    scores: (user, items, out) => {
      if (rowsAre === 'users') encodeRow(user, encoded);
      items.forEach((item, at) => {
        out[at] = rowsAre === 'users' ? score(item, encoded) : score(user, encoded + 4 * item * width);
      });
    },
  };
};

const autoRec = (name: string, title: string, rowsAre: 'items' | 'users', defaults: Options): ModelDefinition<Options> =>
  defineModel<Options>({
    name,
    version: '1',
    title,
    paper: 'Sedhain, Menon, Sanner, Xie: AutoRec: Autoencoders Meet Collaborative Filtering. WWW, 2015',
    options: z.strictObject({
      hidden: z.int().min(4).multipleOf(4).default(defaults.hidden).describe('hidden units, a multiple of 4'),
      batch: z.int().min(1).default(defaults.batch).describe('rows of the rating matrix in a step'),
      rate: z.number().positive().default(defaults.rate).describe("Adam's learning rate"),
      decay: z.number().min(0).default(defaults.decay).describe('λ: a step adds λ/2 · (‖V‖² + ‖W‖²) to the squared errors of its batch'),
      dropout: z
        .number()
        .min(0)
        .lt(1)
        .default(defaults.dropout)
        .describe('probability that a rating is left out of the input, not of the loss'),
      centre: z.number().default(defaults.centre).describe('subtracted from each rating of the input'),
    }),
    traits: { task: 'rating', feedback: 'explicit', training: 'epochs' },
    defaults: { epochs: 150, patience: 10 },
    create: (facts, options, engine) => createAutoRec(rowsAre, facts, options, engine),
  });

export const autoRecI = autoRec('autorec-i', "AutoRec on items' rows: h = σ(V r + μ), r̂ = W h + b", 'items', {
  hidden: 500,
  batch: 512,
  rate: 7e-4,
  decay: 40,
  dropout: 0,
  centre: 0,
});

export const autoRecU = autoRec('autorec-u', "AutoRec on users' rows: h = σ(V r + μ), r̂ = W h + b", 'users', {
  hidden: 500,
  batch: 512,
  rate: 1e-3,
  decay: 20,
  dropout: 0,
  centre: 3,
});
