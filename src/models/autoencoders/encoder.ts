import type { Pointer } from '../../tensor/memory/arena.js';
import { createStruct, write } from '../../tensor/memory/struct.js';
import { type AdamSettings, createAdamHyper } from '../../tensor/optimizers/adam-hyper.js';
import type { Engine } from '../port/engine.js';
import type { Ordered } from '../port/orders.js';
import type { ModelTensor } from '../port/tensors.js';
import { type ColumnBatch, createColumnBatches } from './column-batches.js';
import { type AutoencoderKernels, autoencoderReference } from './kernels/autoencoder-kernels.js';
import * as Columns from './kernels/structs/columns.js';

/** Adam's two moments, as tensors that are kept with their weights. */
export const ADAM_STATE = ['moment', 'variance'] as const;

export const momentsOf = ({ state }: ModelTensor): readonly [moment: Pointer, variance: Pointer] => [state[0]!.pointer, state[1]!.pointer];

/** Fills a tensor with N(0, deviation²). */
export const normal =
  (deviation: number) =>
  (source: { normal(): number }, values: Float32Array): void => {
    for (let i = 0; i < values.length; i++) values[i] = deviation * source.normal();
  };

/** The rows of a sparse matrix, seen by column and by row. */
export type Sparse = { readonly rows: number; readonly columns: number; readonly byColumn: Ordered; readonly byRow: Ordered };

/** Users' rows over items, or items' rows over users. */
export const sparseOf = (engine: Engine, users: number, items: number, rowsAre: 'users' | 'items'): Sparse =>
  rowsAre === 'users'
    ? { rows: users, columns: items, byColumn: engine.byItem(), byRow: engine.byUser() }
    : { rows: items, columns: users, byColumn: engine.byUser(), byRow: engine.byItem() };

/**
 * The first layer of an autoencoder on sparse rows, x V + c, where only cells that are there cost anything. V is (columns, width).
 * It owns the batch: `hidden` is (rows of the batch, width) and `slopes` its gradient, which the caller fills between `encode` and `step`.
 */
export type Encoder = {
  readonly tensors: readonly ModelTensor[];
  readonly kernels: AutoencoderKernels;
  readonly hidden: Pointer;
  readonly slopes: Pointer;
  /** The struct of the present batch (kernels/structs/columns.ts), for a decoder that works by columns. */
  readonly job: { readonly pointer: Pointer; readonly view: Uint32Array };
  /** Batches of rows in the given order. `inputs`, aligned with the cells of byColumn, are encoded instead; NaN leaves a cell out. */
  cut(order: Uint32Array, inputs?: Float32Array): readonly ColumnBatch[];
  /** hidden = x V + c of a batch; slopes = 0. */
  encode(batch: ColumnBatch): void;
  /** Adam on V and c with the slopes of the batch that was encoded last. The bias has no decay. */
  step(step: number, settings: AdamSettings): void;
  /** out = x V + c of one row, all of its cells, where x is inputOf(value). */
  encodeRow(row: number, out: Pointer, inputOf: (value: number) => number): void;
};

type Shape = { readonly width: number; readonly batch: number; readonly deviation: number };

export const createEncoder = (engine: Engine, { rows, columns, byColumn, byRow }: Sparse, { width, batch, deviation }: Shape): Encoder => {
  const { arena } = engine;
  const kernels = engine.kernels(autoencoderReference);
  const weights = engine.tensor({ name: 'encoder', shape: [columns, width], initial: normal(deviation), state: ADAM_STATE });
  const bias = engine.tensor({ name: 'hiddenBias', shape: [width], state: ADAM_STATE });
  const size = Math.min(batch, rows);
  const [hidden, slopes, work, biasSlope] = [
    engine.allocate(size * width),
    engine.allocate(size * width),
    engine.allocate(width),
    engine.allocate(width),
  ];
  const [encoderMoment, encoderVariance] = momentsOf(weights);
  const job = createStruct(arena, Columns);
  write(job.view, Columns, { width, hidden, slopes, work, encoder: weights.pointer, encoderMoment, encoderVariance });
  const batches = createColumnBatches(arena, byColumn, rows, size);
  const [regularized, plain] = [createAdamHyper(arena), createAdamHyper(arena)];
  let count = 0;

  return {
    tensors: [weights, bias],
    kernels,
    hidden,
    slopes,
    job,
    cut: batches.cut,
    encode: (cells) => {
      count = cells.rows;
      write(job.view, Columns, { starts: cells.starts, slot: cells.slot, input: cells.input, value: cells.value });
      for (let slot = 0; slot < count; slot++) arena.f32(hidden + 4 * slot * width, width).set(bias.values);
      kernels.zero(count * width, slopes);
      kernels.encodeColumns(job.pointer, 0, columns);
    },
    step: (step, settings) => {
      kernels.stepEncoderColumns(job.pointer, 0, columns, regularized.write(step, settings));
      kernels.zero(width, biasSlope);
      kernels.addRows(count, width, slopes, biasSlope);
      kernels.adam(width, bias.pointer, ...momentsOf(bias), biasSlope, plain.write(step, { ...settings, decay: 0 }));
    },
    encodeRow: (row, out, inputOf) => {
      const { offsets, ids, values } = byRow;
      arena.f32(out, width).set(bias.values);
      for (let at = offsets[row]!; at < offsets[row + 1]!; at++)
        kernels.axpy(width, inputOf(values[at]!), weights.pointer + 4 * ids[at]! * width, out);
    },
  };
};
