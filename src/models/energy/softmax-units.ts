import type { Kernels } from '../../tensor/kernels/kernels.js';
import { referenceKernels } from '../../tensor/kernels/reference.js';
import type { Pointer } from '../../tensor/memory/arena.js';
import { type AdamSettings, createAdamHyper } from '../../tensor/optimizers/adam-hyper.js';
import { type ColumnBatch, createColumnBatches } from '../autoencoders/column-batches.js';
import { ADAM_STATE, momentsOf, normal, type Sparse } from '../autoencoders/encoder.js';
import type { Engine } from '../port/engine.js';
import type { ModelTensor } from '../port/tensors.js';
import { type RatingLevels, softmax } from './rating-levels.js';

/** Where biases start: log frequencies of a column's levels, as if it had so many more ratings, distributed as all are. */
const DAMPING = 5;
/** Standard deviation of the initial weights (Hinton, 2010, section 8). */
const DEVIATION = 0.01;

/**
 * Softmax visible units of the cells of sparse rows, K levels each, and `width` hidden units. W is (columns, K, width), b is (columns, K).
 * Cells are visited by columns. K rows of W stay in the cache for all cells of a column. Its gradient is complete after the last one.
 */
export type SoftmaxUnits = {
  readonly tensors: readonly ModelTensor[];
  cut(order: Uint32Array): readonly ColumnBatch[];
  /** out = c + Σ W[column][level] of a batch of data, (rows, width). */
  encode(batch: ColumnBatch, out: Pointer): void;
  /** p(v | hidden) of each cell, kept for `step`; out = c + Σ_k p_k W[column][k]. Returns −Σ log p of the data. */
  reconstruct(batch: ColumnBatch, hidden: Pointer, out: Pointer): number;
  /** Adam along ⟨v h⟩ of the data less ⟨v h⟩ of the last reconstruction; biases have no decay. Both are (rows, width). */
  step(batch: ColumnBatch, data: Pointer, model: Pointer, number: number, settings: AdamSettings): void;
  /** out = c + Σ W[column][level] of a row's training cells. */
  encodeRow(row: number, out: Pointer): void;
  /** Mean rating of a column's softmax unit. */
  expected(column: number, hidden: Pointer): number;
};

const logFrequencies = ({ byColumn: { offsets }, columns }: Sparse, levels: Uint8Array, K: number): Float32Array => {
  const [out, all] = [new Float32Array(columns * K), new Float32Array(K).fill(1 / Math.max(1, levels.length))];
  for (const level of levels) all[level]! += 1;
  const total = all.reduce((sum, count) => sum + count, 0);
  for (let column = 0; column < columns; column++) {
    const own = levels.subarray(offsets[column]!, offsets[column + 1]!);
    const counts = all.map((count) => (DAMPING * count) / total);
    for (const level of own) counts[level]! += 1;
    for (let k = 0; k < K; k++) out[column * K + k] = Math.log(counts[k]! / (own.length + DAMPING));
  }
  return out;
};

/** The tensors of the machine, and how its cells are reached. */
const createMachine = (engine: Engine, matrix: Sparse, { values, levelOf }: RatingLevels, width: number, size: number) => {
  const { columns, rows, byColumn } = matrix;
  const K = values.length;
  const kernels = engine.kernels<Kernels>(referenceKernels);
  const cells = Uint8Array.from(byColumn.values, levelOf);
  const weights = engine.tensor({ name: 'weights', shape: [columns, K, width], initial: normal(DEVIATION), state: ADAM_STATE });
  const bias = engine.tensor({
    name: 'bias',
    shape: [columns, K],
    initial: (_, into) => into.set(logFrequencies(matrix, cells, K)),
    state: ADAM_STATE,
  });
  const hiddenBias = engine.tensor({ name: 'hiddenBias', shape: [width], state: ADAM_STATE });
  const { cut } = createColumnBatches(engine.arena, byColumn, rows, size);
  const inputs = Float32Array.from(cells);
  const weightsOf = (column: number, level: number): Pointer => weights.pointer + 4 * width * (column * K + level);
  return {
    ...{ weights, bias, hiddenBias, kernels, K, weightsOf },
    cut: (order: Uint32Array) => cut(order, inputs),
    /** Each cell of a batch, column by column: where its row lies in (rows, width), in bytes, and its level. */
    visit: (
      batch: ColumnBatch,
      each: (column: number, cell: number, offset: number, level: number) => void,
      after?: (column: number) => void,
    ): void => {
      const starts = engine.arena.u32(batch.starts, columns + 1);
      const [slot, level] = [engine.arena.u32(batch.slot, cells.length), engine.arena.f32(batch.input, cells.length)];
      for (let column = 0; column < columns; column++) {
        for (let cell = starts[column]!; cell < starts[column + 1]!; cell++) each(column, cell, 4 * width * slot[cell]!, level[cell]!);
        after?.(column);
      }
    },
    logits: (column: number, hidden: Pointer, out: Float32Array): void => {
      for (let k = 0; k < K; k++) out[k] = bias.values[column * K + k]! + kernels.dot(width, weightsOf(column, k), hidden);
    },
    restart: (count: number, out: Pointer): void => {
      for (let at = 0; at < count; at++) engine.arena.f32(out + 4 * width * at, width).set(hiddenBias.values);
    },
  };
};

type Machine = ReturnType<typeof createMachine>;

/** Contrastive divergence with `chances`, the probabilities of the last reconstruction. */
const createStep = (
  { arena, allocate }: Engine,
  { weights, bias, hiddenBias, kernels, K, visit }: Machine,
  columns: number,
  width: number,
  chances: Float32Array,
): SoftmaxUnits['step'] => {
  const row = 4 * width;
  const [slopes, biasSlopes, hiddenSlopes] = [allocate(K * width), allocate(columns * K), allocate(width)];
  const ofBias = arena.f32(biasSlopes, columns * K);
  const [regularized, plain] = [createAdamHyper(arena), createAdamHyper(arena)];
  const [moment, variance] = momentsOf(weights);
  return (batch, data, model, number, settings) => {
    const [shrinking, plainly] = [regularized.write(number, settings), plain.write(number, { ...settings, decay: 0 })];
    ofBias.fill(0);
    kernels.zero(K * width, slopes);
    visit(
      batch,
      (column, cell, offset, level) => {
        kernels.axpy(width, -1, data + offset, slopes + row * level);
        ofBias[column * K + level]! -= 1;
        for (let k = 0; k < K; k++) {
          kernels.axpy(width, chances[cell * K + k]!, model + offset, slopes + row * k);
          ofBias[column * K + k]! += chances[cell * K + k]!;
        }
      },
      (column) => {
        const at = row * K * column;
        kernels.adam(K * width, weights.pointer + at, moment + at, variance + at, slopes, shrinking);
        kernels.zero(K * width, slopes);
      },
    );
    kernels.adam(columns * K, bias.pointer, ...momentsOf(bias), biasSlopes, plainly);
    kernels.zero(width, hiddenSlopes);
    for (let slot = 0; slot < batch.rows; slot++) {
      kernels.axpy(width, -1, data + row * slot, hiddenSlopes);
      kernels.axpy(width, 1, model + row * slot, hiddenSlopes);
    }
    kernels.adam(width, hiddenBias.pointer, ...momentsOf(hiddenBias), hiddenSlopes, plainly);
  };
};

export const createSoftmaxUnits = (engine: Engine, matrix: Sparse, levels: RatingLevels, width: number, size: number): SoftmaxUnits => {
  const machine = createMachine(engine, matrix, levels, width, size);
  const { weights, bias, hiddenBias, kernels, K, weightsOf, visit, logits, restart, cut } = machine;
  const chances = new Float32Array(matrix.byColumn.ids.length * K);
  const chance = new Float32Array(K);
  return {
    tensors: [weights, bias, hiddenBias],
    cut,
    encode: (batch, out) => {
      restart(batch.rows, out);
      visit(batch, (column, _, offset, level) => kernels.axpy(width, 1, weightsOf(column, level), out + offset));
    },
    reconstruct: (batch, hidden, out) => {
      restart(batch.rows, out);
      let loss = 0;
      visit(batch, (column, cell, offset, level) => {
        logits(column, hidden + offset, chance);
        softmax(chance);
        loss -= Math.log(Math.max(chance[level]!, 1e-30));
        chances.set(chance, cell * K);
        for (let k = 0; k < K; k++) kernels.axpy(width, chance[k]!, weightsOf(column, k), out + offset);
      });
      return loss;
    },
    step: createStep(engine, machine, matrix.columns, width, chances),
    encodeRow: (at, out) => {
      const { offsets, ids, values } = matrix.byRow;
      restart(1, out);
      for (let cell = offsets[at]!; cell < offsets[at + 1]!; cell++)
        kernels.axpy(width, 1, weightsOf(ids[cell]!, levels.levelOf(values[cell]!)), out);
    },
    expected: (column, hidden) => {
      logits(column, hidden, chance);
      softmax(chance);
      return chance.reduce((sum, probability, k) => sum + probability * levels.values[k]!, 0);
    },
  };
};
