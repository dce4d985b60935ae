import { badInput } from '../base/errors.js';
import { decodeFloat16, encodeFloat16 } from './float16.js';

/** How numbers travel. Errors against the float32 they were: f32 none; f16 ≤ 2⁻¹¹ relative (2⁻²⁵ absolute below 6.1e-5,
 * saturating at ±65504); int8 ≤ max|row| / 254 absolute, each row with a scale of its own. */
export const DTYPES = ['f32', 'f16', 'int8'] as const;
export type Dtype = (typeof DTYPES)[number];

/** A tensor as encoded. `data` is little-endian and may come in pieces, since a matrix of items is generated in shards;
 * int8 data is followed by one float32 scale per row in `scales`. */
export type WireTensor = {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: readonly Uint8Array[];
  readonly scales?: Uint8Array;
};

/** What both ends must agree on. The leading dimension of a row tensor is the number of rows in the message. */
export type TensorSpec = { readonly name: string; readonly perRow: boolean; readonly shape: readonly number[] };

const BYTES_PER_ELEMENT: Readonly<Record<Dtype, number>> = { f32: 4, f16: 2, int8: 1 };

export const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** The full shape of a tensor in a message with `rows` rows. */
export const shapeOf = (spec: TensorSpec, rows: number): readonly number[] => (spec.perRow ? [rows, ...spec.shape] : spec.shape);

const bytesOf = (values: ArrayBufferView): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

const quantize = (pieces: readonly Float32Array[], width: number): { data: Int8Array[]; scales: Float32Array } => {
  const scales: number[] = [];
  const data = pieces.map((values) => {
    const out = new Int8Array(values.length);
    for (let start = 0; start < values.length; start += width) {
      let largest = 0;
      for (let i = start; i < start + width; i++) largest = Math.max(largest, Math.abs(values[i]!));
      const scale = Math.fround(largest / 127);
      scales.push(scale);
      if (scale > 0) for (let i = start; i < start + width; i++) out[i] = Math.max(-127, Math.min(127, Math.round(values[i]! / scale)));
    }
    return out;
  });
  return { data, scales: Float32Array.from(scales) };
};

/** Encodes values of `shape`, given in one or more pieces of whole rows. f32 is not copied here: the pieces themselves are referred to. */
export const encodeTensor = (dtype: Dtype, shape: readonly number[], pieces: readonly Float32Array[]): WireTensor => {
  switch (dtype) {
    case 'f32':
      return { dtype, shape, data: pieces.map(bytesOf) };
    case 'f16':
      return { dtype, shape, data: pieces.map((values) => bytesOf(encodeFloat16(values))) };
    case 'int8': {
      const { data, scales } = quantize(pieces, shape.at(-1) ?? 1);
      return { dtype, shape, data: data.map(bytesOf), scales: bytesOf(scales) };
    }
  }
};

/** Copies the pieces into fresh, aligned memory. */
const joined = (pieces: readonly Uint8Array[], length: number): ArrayBuffer => {
  const out = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out.buffer;
};

/**
 * The values of a tensor, in fresh memory, after its dtype and shape were found to be the expected ones.
 * Throws MESSAGE, naming `place`, before any allocation that a forged header could ask for.
 */
export const decodeTensor = (
  tensor: WireTensor,
  dtype: Dtype,
  spec: TensorSpec,
  rows: number,
  place: string,
): Float32Array<ArrayBuffer> => {
  const where = `${place}, tensor ${spec.name}`;
  if (tensor.dtype !== dtype) throw badInput('MESSAGE', where, `dtype ${dtype}`, String(tensor.dtype));
  const shape = shapeOf(spec, rows);
  if (shape.length !== tensor.shape.length || shape.some((size, axis) => tensor.shape[axis] !== size)) {
    throw badInput('MESSAGE', where, `shape [${shape.join(', ')}]`, `[${tensor.shape.join(', ')}]`);
  }
  const count = elements(shape);
  const length = count * BYTES_PER_ELEMENT[dtype];
  const found = tensor.data.reduce((sum, piece) => sum + piece.length, 0);
  if (found !== length) throw badInput('MESSAGE', where, `${length} bytes`, String(found));
  const data = joined(tensor.data, length);
  switch (dtype) {
    case 'f32':
      return new Float32Array(data);
    case 'f16':
      return decodeFloat16(new Uint16Array(data));
    case 'int8': {
      const width = shape.at(-1) ?? 1;
      const scaleBytes = (count / width) * 4;
      if (tensor.scales?.length !== scaleBytes)
        throw badInput('MESSAGE', where, `${scaleBytes} bytes of scales`, String(tensor.scales?.length ?? 0));
      const scales = new Float32Array(joined([tensor.scales], scaleBytes));
      return Float32Array.from(new Int8Array(data), (value, i) => value * scales[Math.floor(i / width)]!);
    }
  }
};
