import { type Bytes, bytes } from '../base/units.js';
import type { Dtype } from '../messages/tensor-form.js';
export type Direction = 'down' | 'up';

/** Bytes and messages as encoded, by message kind and direction. */
export type Traffic = readonly TrafficLine[];

export type TrafficLine = {
  readonly kind: string;
  readonly direction: Direction;
  /** Of the tensors in messages of this kind. */
  readonly dtype: Dtype | 'none';
  readonly messages: number;
  readonly bytes: Bytes;
  /** Messages by encoded size: at index i those of at most SIZE_BOUNDS[i] bytes and more than the bound before; at the end the larger ones. */
  readonly sizes: readonly number[];
};

/** Bytes by direction, over all kinds. */
export const bytesOf = (rows: readonly { readonly direction: Direction; readonly bytes: number }[]): Readonly<Record<Direction, Bytes>> => {
  const sum = { down: bytes(0), up: bytes(0) };
  for (const row of rows) sum[row.direction] = bytes(sum[row.direction] + row.bytes);
  return sum;
};

/** 64 B … 256 MiB, in steps of a factor of 4. */
export const SIZE_BOUNDS: readonly number[] = Array.from({ length: 12 }, (_, index) => 64 * 4 ** index);
