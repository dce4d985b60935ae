import type { ClientUpdate } from '../../algorithms/port/server.js';
import { median } from '../../base/median.js';
import { elements, type TensorSpec } from '../../messages/wire-tensor.js';

/** ‖row‖₂ of each row of an update, over all of its tensors with rows. */
const rowNorms = ({ rows, tensors }: ClientUpdate, up: readonly TensorSpec[]): Float64Array => {
  const squares = new Float64Array(rows.length);
  for (const [index, { perRow, shape }] of up.entries()) {
    if (!perRow) continue;
    const [width, values] = [elements(shape), tensors[index]!];
    for (let row = 0; row < rows.length; row++) {
      for (let at = row * width; at < (row + 1) * width; at++) squares[row]! += values[at]! * values[at]!;
    }
  }
  return squares.map(Math.sqrt);
};

const scaleRows = (values: Float32Array, factors: Float64Array): Float32Array => {
  const width = values.length / factors.length;
  return values.map((value, at) => factors[Math.floor(at / width)]! * value);
};

/**
 * Scales rows that are long down to `multiple` times the usual length: the median over updates of each one's median row norm. So an
 * update with many rows counts once, and the bound is within the honest values while fewer than half attack. Ours: a row that few updates
 * have leaves the median of its values to them, and this limits what they can do with it. `multiple` 0: rows stay as they are.
 */
export const clipRows = (updates: readonly ClientUpdate[], up: readonly TensorSpec[], multiple: number): readonly ClientUpdate[] => {
  if (multiple === 0 || !up.some(({ perRow }) => perRow)) return updates;
  const norms = updates.map((update) => rowNorms(update, up));
  const usual = norms.filter((values) => values.length > 0).map(median);
  if (usual.length === 0) return updates;
  const most = multiple * median(usual);
  return updates.map((update, index) => {
    if (norms[index]!.every((norm) => norm <= most)) return update;
    const factors = norms[index]!.map((norm) => (norm <= most ? 1 : most / norm));
    return { ...update, tensors: update.tensors.map((values, t) => (up[t]!.perRow ? scaleRows(values, factors) : values)) };
  });
};
