import type { Interactions, LocalModel } from '../../algorithms/port/client.js';
import { elements, type TensorSpec } from '../../messages/wire-tensor.js';

/** What the coordinator has of one device: the model that it sent, and the update that came back. */
export type Observation = {
  /** With a row for every item. */
  readonly model: LocalModel;
  readonly rows: Uint32Array;
  /** The tensors of wire.up, after update steps and decoding. Tensors with rows follow the order of `rows`. */
  readonly tensors: readonly Float32Array[];
  /** Records and Σ of their losses, as the message says them. null: steps hide them. */
  readonly said: { readonly count: number; readonly loss: number } | null;
};

/** The same device's records, to judge the attack by: those of its batch, and all that it learns from. */
export type Truth = { readonly batch: Interactions; readonly train: Interactions };

export type Attacked = { readonly seen: Observation; readonly truth: Truth };

/** ‖x‖² over all tensors with rows, by row. */
export const rowEnergies = ({ rows, tensors }: Pick<Observation, 'rows' | 'tensors'>, up: readonly TensorSpec[]): Float64Array => {
  const sums = new Float64Array(rows.length);
  up.forEach(({ perRow, shape }, tensor) => {
    if (!perRow) return;
    const width = elements(shape);
    const values = tensors[tensor]!;
    for (let at = 0; at < rows.length * width; at++) sums[Math.floor(at / width)]! += values[at]! ** 2;
  });
  return sums;
};
