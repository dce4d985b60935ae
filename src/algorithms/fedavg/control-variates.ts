import type { TensorSpec } from '../../messages/wire-tensor.js';
import { elements } from '../../messages/wire-tensor.js';
import type { LocalModel } from '../port/client.js';
import { rowOf } from '../port/rows.js';

/**
 * A device's control variates c_i: Karimireddy et al., "SCAFFOLD", ICML 2020, algorithm 1, option II. They lie in its private state, one tensor of the
 * model behind the other. Of row tensors it keeps the rows of its own training items alone, where c_i can differ from 0.
 *
 *   c_i⁺ = c_i − c + (x − y) / (K·η)      Δc = c_i⁺ − c_i, which is sent, = (x − y) / (K·η) − c
 *
 * x is what the server sent, y the weights after K local steps of rate η, c the server's control variate.
 */
export type ControlState = { readonly specs: readonly TensorSpec[]; readonly owned: Uint32Array; readonly values: Float32Array };

const lengthOf = ({ perRow, shape }: TensorSpec, rows: number): number => elements(shape) * (perRow ? rows : 1);

/** Numbers of c_i: for each item whose rows are kept, and of dense tensors. */
export const controlSizes = (specs: readonly TensorSpec[]): { readonly perItem: number; readonly fixed: number } => {
  const sum = (perRow: boolean) => specs.reduce((total, spec) => total + (spec.perRow === perRow ? elements(spec.shape) : 0), 0);
  return { perItem: sum(true), fixed: sum(false) };
};

/** Visits each number of c_i that belongs to `rows`: its tensor, its place among the tensor's rows of `rows`, and its place in the state. */
const visit = (
  { specs, owned }: ControlState,
  rows: Uint32Array,
  each: (tensor: number, row: number, width: number, at: number) => void,
): void => {
  let start = 0;
  specs.forEach((spec, tensor) => {
    const width = elements(spec.shape);
    if (spec.perRow)
      for (let index = 0; index < rows.length; index++) each(tensor, index, width, start + rowOf(owned, rows[index]!) * width);
    else each(tensor, 0, width, start);
    start += lengthOf(spec, owned.length);
  });
};

/** Rows of the server's c in the model, one tensor behind the other; dense ones as they are. */
const sentTo = (specs: readonly TensorSpec[], { rows: present, tensors }: LocalModel, rows: Uint32Array): Float32Array[] =>
  specs.map((spec, tensor) => {
    const all = tensors[tensor]!;
    if (!spec.perRow) return all.slice();
    const width = elements(spec.shape);
    const out = new Float32Array(rows.length * width);
    rows.forEach((row, index) => {
      const from = rowOf(present, row) * width;
      for (let e = 0; e < width; e++) out[index * width + e] = all[from + e]!;
    });
    return out;
  });

/** c and c − c_i of some rows, in the shape of the model's tensors. `control`: the server's c as the model brings it. */
export const driftOf = (state: ControlState, control: LocalModel, rows: Uint32Array) => {
  const sent = sentTo(state.specs, control, rows);
  const drift = sent.map((values) => values.slice());
  visit(state, rows, (tensor, row, width, at) => {
    for (let e = 0; e < width; e++) drift[tensor]![row * width + e]! -= state.values[at + e]!;
  });
  return { sent, drift };
};

/** Δc of differences y − x; `spans`: K·η of each tensor. */
export const controlChange = (
  sent: readonly Float32Array[],
  differences: readonly Float32Array[],
  spans: readonly number[],
): Float32Array[] => differences.map((values, tensor) => values.map((difference, i) => -difference / spans[tensor]! - sent[tensor]![i]!));

/** c_i⁺ = c_i + Δc, the whole state anew. */
export const nextControl = (state: ControlState, rows: Uint32Array, change: readonly Float32Array[]): Float32Array => {
  const next = state.values.slice();
  visit(state, rows, (tensor, row, width, at) => {
    for (let e = 0; e < width; e++) next[at + e]! += change[tensor]![row * width + e]!;
  });
  return next;
};
