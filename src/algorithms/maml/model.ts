import type { LocalModel } from '../port/client.js';
import { rowOf } from '../port/rows.js';

/**
 * The rating model on a device, ŷ = w[0] + B[i] + E[i]·w[1…d], and its gradients. All arithmetic is float64.
 * A loss is the mean of (ŷ − r)² over some records. It is linear regression in w, where the row of a record is (1, E[i]).
 */
export type ItemRows = {
  /** d. */
  readonly width: number;
  /** E, one row of d numbers behind the other. */
  readonly vectors: Float64Array;
  /** B. */
  readonly offsets: Float64Array;
};

/** Records by the positions of their items among the rows. */
export type Records = { readonly rows: Uint32Array; readonly values: Float32Array };

export const zeroRows = (count: number, width: number): ItemRows => ({
  width,
  vectors: new Float64Array(count * width),
  offsets: new Float64Array(count),
});

/** The model's rows of some items. */
export const loadRows = ({ rows, tensors }: LocalModel, wanted: Uint32Array, width: number): ItemRows => {
  const loaded = zeroRows(wanted.length, width);
  const [vectors, offsets] = [tensors[0]!, tensors[1]!];
  for (let index = 0; index < wanted.length; index++) {
    const row = rowOf(rows, wanted[index]!);
    for (let e = 0; e < width; e++) loaded.vectors[index * width + e] = vectors[row * width + e]!;
    loaded.offsets[index] = offsets[row]!;
  }
  return loaded;
};

export const predict = ({ width, vectors, offsets }: ItemRows, row: number, w: Float64Array): number => {
  let sum = w[0]! + offsets[row]!;
  const at = row * width;
  for (let e = 0; e < width; e++) sum += vectors[at + e]! * w[e + 1]!;
  return sum;
};

/** ŷ − r of each record. */
export const errorsOf = (items: ItemRows, { rows, values }: Records, w: Float64Array): Float64Array => {
  const errors = new Float64Array(rows.length);
  for (let r = 0; r < rows.length; r++) errors[r] = predict(items, rows[r]!, w) - values[r]!;
  return errors;
};

export const squares = (errors: Float64Array): number => {
  let sum = 0;
  for (const error of errors) sum += error * error;
  return sum;
};

/** ∂ mean (ŷ − r)² / ∂w, of the records' errors. Zero without records. */
export const userGradient = ({ width, vectors }: ItemRows, { rows }: Records, errors: Float64Array): Float64Array => {
  const gradient = new Float64Array(width + 1);
  const scale = 2 / Math.max(1, rows.length);
  for (let r = 0; r < rows.length; r++) {
    const error = scale * errors[r]!;
    const at = rows[r]! * width;
    gradient[0]! += error;
    for (let e = 0; e < width; e++) gradient[e + 1]! += error * vectors[at + e]!;
  }
  return gradient;
};

/** Adds ∂ mean ((ŷ − r)² + λ·(‖E[i]‖² + B[i]²)) / ∂E, ∂B to `into`. */
export const addRowGradients = (
  items: ItemRows,
  { rows }: Records,
  errors: Float64Array,
  w: Float64Array,
  decay: number,
  into: ItemRows,
): void => {
  const { width, vectors, offsets } = items;
  const scale = 2 / Math.max(1, rows.length);
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r]!;
    const at = row * width;
    into.offsets[row]! += scale * (errors[r]! + decay * offsets[row]!);
    for (let e = 0; e < width; e++) into.vectors[at + e]! += scale * (errors[r]! * w[e + 1]! + decay * vectors[at + e]!);
  }
};
