import { badInput } from '../base/errors.js';
import { bytesOf } from '../base/views.js';
import { decodeFloat16, encodeFloat16 } from './float16.js';

/**
 * How numbers travel, and their errors against the float32 they were:
 *
 *   f32    none
 *   f16    ≤ 2⁻¹¹ relative, 2⁻²⁵ absolute below 6.1e-5, saturating at ±65504
 *   int8   ≤ max|row| / 254 absolute, each row with a scale of its own
 */
export const DTYPES = ['f32', 'f16', 'int8'] as const;
export type Dtype = (typeof DTYPES)[number];

/**
 * A tensor as encoded. `data` is little-endian, and may come in pieces because a matrix of items is generated in shards.
 * One float32 scale per row follows int8 data, in `scales`.
 */
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

/** Of |values| from `first` to `end`; NaN where one is NaN. */
const largestOf = (values: Float32Array, first: number, end: number): number => {
  let largest = 0;
  for (let i = first; i < end; i++) {
    const size = Math.abs(values[i]!);
    if (size > largest || Number.isNaN(size)) largest = size;
  }
  return largest;
};

/** One piece, whose rows are the tensor's from `firstRow` on. */
const quantizePiece = (values: Float32Array, width: number, scales: Float32Array, firstRow: number): Int8Array => {
  const out = new Int8Array(values.length);
  for (let start = 0, row = firstRow; start < values.length; start += width, row++) {
    const scale = Math.fround(largestOf(values, start, start + width) / 127);
    scales[row] = scale;
    if (!(scale > 0)) continue;
    for (let i = start; i < start + width; i++) {
      // Math.round, which is slower, differs for no quotient of two float32.
      const steps = Math.floor(values[i]! / scale + 0.5);
      out[i] = steps > 127 ? 127 : steps < -127 ? -127 : steps;
    }
  }
  return out;
};

const quantize = (pieces: readonly Float32Array[], width: number): { data: Int8Array[]; scales: Float32Array } => {
  const scales = new Float32Array(pieces.reduce((sum, { length }) => sum + length / width, 0));
  let row = 0;
  const data = pieces.map((values) => {
    const first = row;
    row += values.length / width;
    return quantizePiece(values, width, scales, first);
  });
  return { data, scales };
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

const joinInto = (pieces: readonly Uint8Array[], out: Uint8Array, start = 0): void => {
  let at = start;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
};

/** Copies the pieces into fresh, aligned memory. */
const joined = (pieces: readonly Uint8Array[], length: number): ArrayBuffer => {
  const out = new Uint8Array(length);
  joinInto(pieces, out);
  return out.buffer;
};

/** The number of a tensor's elements, after its dtype and shape were found to be the expected ones and its bytes as many. */
const checkedCount = (tensor: WireTensor, dtype: Dtype, spec: TensorSpec, rows: number, place: string): number => {
  const refuse = (expected: string, found: string): never => {
    throw badInput('MESSAGE', `${place}, tensor ${spec.name}`, expected, found);
  };
  if (tensor.dtype !== dtype) refuse(`dtype ${dtype}`, String(tensor.dtype));
  const shape = shapeOf(spec, rows);
  if (shape.length !== tensor.shape.length || shape.some((size, axis) => tensor.shape[axis] !== size)) {
    refuse(`shape [${shape.join(', ')}]`, `[${tensor.shape.join(', ')}]`);
  }
  const count = elements(shape);
  const length = count * BYTES_PER_ELEMENT[dtype];
  const found = tensor.data.reduce((sum, piece) => sum + piece.length, 0);
  if (found !== length) refuse(`${length} bytes`, String(found));
  if (dtype !== 'int8') return count;
  const scaleBytes = (count / (shape.at(-1) ?? 1)) * 4;
  if (tensor.scales?.length !== scaleBytes) refuse(`${scaleBytes} bytes of scales`, String(tensor.scales?.length ?? 0));
  return count;
};

/** `out` lies in `bytes` from `start` on. */
const decodeInto = ({ dtype, shape, data, scales }: WireTensor, out: Float32Array<ArrayBuffer>, bytes: Uint8Array, start: number): void => {
  switch (dtype) {
    case 'f32':
      joinInto(data, bytes, start);
      return;
    case 'f16':
      decodeFloat16(new Uint16Array(joined(data, 2 * out.length)), out);
      return;
    case 'int8': {
      const width = shape.at(-1) ?? 1;
      const steps = new Int8Array(joined(data, out.length));
      const scaleOf = new Float32Array(joined([scales!], scales!.length));
      for (let row = 0, at = 0; row < scaleOf.length; row++) {
        const scale = scaleOf[row]!;
        for (const end = at + width; at < end; at++) out[at] = steps[at]! * scale;
      }
    }
  }
};

/**
 * The values of a message's tensors, one behind the other in one piece of memory (`allocate`: fresh, or of any content).
 * The dtype and shape of each are checked first. Throws MESSAGE, naming `place`, before any allocation that a forged header could ask for.
 */
export const decodeTensors = (
  tensors: readonly WireTensor[],
  dtype: Dtype,
  specs: readonly TensorSpec[],
  rows: number,
  place: string,
  allocate: (count: number) => Float32Array<ArrayBuffer> = (count) => new Float32Array(count),
): readonly Float32Array<ArrayBuffer>[] => {
  if (tensors.length !== specs.length) throw badInput('MESSAGE', place, `${specs.length} tensors`, String(tensors.length));
  const counts = specs.map((spec, index) => checkedCount(tensors[index]!, dtype, spec, rows, place));
  const all = allocate(counts.reduce((sum, count) => sum + count, 0));
  const bytes = bytesOf(all);
  let end = 0;
  return counts.map((count, index) => {
    const start = end;
    end += count;
    const values = all.subarray(start, end);
    decodeInto(tensors[index]!, values, bytes, 4 * start);
    return values;
  });
};

/** The values of one tensor, as `decodeTensors` has them. */
export const decodeTensor = (tensor: WireTensor, dtype: Dtype, spec: TensorSpec, rows: number, place: string): Float32Array<ArrayBuffer> =>
  decodeTensors([tensor], dtype, [spec], rows, place)[0]!;
