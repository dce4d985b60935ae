/**
 * How numbers travel, and their errors against the float32 they were:
 *
 *   f32    none
 *   f16    ≤ 2⁻¹¹ relative, 2⁻²⁵ absolute below 6.1e-5, saturating at ±65504
 *   int8   ≤ max|row| / 254 absolute, each row with a scale of its own
 *   int4   ≤ max|row| / 14 absolute, likewise; two numbers to a byte, for updates only
 */
export const DTYPES = ['f32', 'f16', 'int8', 'int4'] as const;
export type Dtype = (typeof DTYPES)[number];
/** Those that a model may travel as. */
export const MODEL_DTYPES = ['f32', 'f16', 'int8'] as const;

/**
 * A tensor as encoded. `data` is little-endian, and may come in pieces because a matrix of items is generated in shards.
 * One float32 scale per row follows int8 and int4 data, in `scales`, or one for each `group` numbers. With `bitmap` or `gaps`, only numbers
 * that are not zero travel (sparse.ts).
 */
export type WireTensor = {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: readonly Uint8Array[];
  readonly scales?: Uint8Array;
  readonly group?: number;
  readonly bitmap?: Uint8Array;
  readonly gaps?: Uint8Array;
};
