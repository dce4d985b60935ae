import type { Grid } from '../messages/rounding.js';
import { sparsest } from '../messages/sparse.js';
import type { Dtype, WireTensor } from '../messages/tensor-form.js';
import { elements, encodeTensor, shapeOf, type TensorSpec } from '../messages/wire-tensor.js';
import type { Encoding } from './update-step.js';

export const AS_CONFIGURED: Encoding = { sparse: false, dtype: null };

/** How updates travel after all steps. */
export const encodingOf = (steps: readonly { readonly encoding: Encoding }[]): Encoding => ({
  sparse: steps.some(({ encoding }) => encoding.sparse),
  dtype: steps.findLast(({ encoding }) => encoding.dtype !== null)?.encoding.dtype ?? null,
});

/** The tensors of an update with so many rows, on the wire. `grids`: what their numbers are multiples of already. */
export const encodeUpdate = (
  tensors: readonly Float32Array[],
  up: readonly TensorSpec[],
  rows: number,
  { sparse, dtype }: { readonly sparse: boolean; readonly dtype: Dtype },
  grids?: readonly Grid[],
): readonly WireTensor[] =>
  up.map((spec, index) => {
    const shape = shapeOf(spec, rows);
    const tensor = encodeTensor(dtype, shape, [tensors[index]!], grids?.[index]);
    return sparse ? sparsest(tensor, elements(shape)) : tensor;
  });
