import { badInput } from '../base/errors.js';
import { bytesOf } from '../base/views.js';
import { decodeFloat16, encodeFloat16 } from './float16.js';
import { fromSteps, type Grid, LEVELS, nearestSteps, packHalves, roundToSteps, unpackHalves } from './rounding.js';
import { dataBytes, dense, isSparse, joined } from './sparse.js';
import type { Dtype, WireTensor } from './tensor-form.js';

/** What both ends must agree on. The leading dimension of a row tensor is the number of rows in the message. */
export type TensorSpec = { readonly name: string; readonly perRow: boolean; readonly shape: readonly number[] };

export const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** The full shape of a tensor in a message with `rows` rows. */
export const shapeOf = (spec: TensorSpec, rows: number): readonly number[] => (spec.perRow ? [rows, ...spec.shape] : spec.shape);

type Whole = 'int8' | 'int4';

/** Pieces of whole rows, each row with a scale of its own; or on a grid that is given. */
const quantized = (dtype: Whole, shape: readonly number[], pieces: readonly Float32Array[], grid: Grid | undefined): WireTensor => {
  const group = grid?.group ?? shape.at(-1) ?? 1;
  const scales = grid?.scales ?? new Float32Array(pieces.reduce((sum, { length }) => sum + length / group, 0));
  let first = 0;
  const steps = pieces.map((values) => {
    const round = grid === undefined ? nearestSteps : roundToSteps;
    const found = round(values, group, LEVELS[dtype], scales, first);
    first += values.length / group;
    return found;
  });
  const data = dtype === 'int8' ? steps.map(bytesOf) : [packHalves(new Int8Array(joined(steps.map(bytesOf), elements(shape))))];
  return { dtype, shape, data, scales: bytesOf(scales), ...(grid !== undefined && { group }) };
};

/**
 * Encodes values of `shape`, given in one or more pieces of whole rows. f32 is not copied here: the pieces themselves are referred to.
 * `grid`: what the values, in one piece, are multiples of already.
 */
export const encodeTensor = (dtype: Dtype, shape: readonly number[], pieces: readonly Float32Array[], grid?: Grid): WireTensor => {
  switch (dtype) {
    case 'f32':
      return { dtype, shape, data: pieces.map(bytesOf) };
    case 'f16':
      return { dtype, shape, data: pieces.map((values) => bytesOf(encodeFloat16(values))) };
    case 'int8':
    case 'int4':
      return quantized(dtype, shape, pieces, grid);
  }
};

const joinInto = (pieces: readonly Uint8Array[], out: Uint8Array, start = 0): void => {
  let at = start;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
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
  if (tensor.group === 0) refuse('groups of numbers', '0');
  // Its bytes are counted where its numbers are put in place.
  if (isSparse(tensor)) return count;
  const length = dataBytes(dtype, count);
  const found = tensor.data.reduce((sum, piece) => sum + piece.length, 0);
  if (found !== length) refuse(`${length} bytes`, String(found));
  return count;
};

/** A tensor of whole numbers has a scale for each group of them. */
const checkScales = ({ dtype, shape, scales, group = shape.at(-1) ?? 1 }: WireTensor, count: number, place: () => string): void => {
  if (dtype !== 'int8' && dtype !== 'int4') return;
  const wanted = 4 * Math.ceil(count / group);
  if (scales?.length !== wanted) throw badInput('MESSAGE', place(), `${wanted} bytes of scales`, String(scales?.length ?? 0));
};

/** `out` lies in `bytes` from `start` on. */
const decodeInto = (tensor: WireTensor, out: Float32Array<ArrayBuffer>, bytes: Uint8Array, start: number): void => {
  const { dtype, shape, data, scales, group = shape.at(-1) ?? 1 } = tensor;
  switch (dtype) {
    case 'f32':
      joinInto(data, bytes, start);
      return;
    case 'f16':
      decodeFloat16(data.length === 1 ? data[0]! : new Uint8Array(joined(data, 2 * out.length)), out);
      return;
    case 'int8':
    case 'int4': {
      const packed = data.length === 1 ? data[0]! : new Uint8Array(joined(data, dataBytes(dtype, out.length)));
      const { buffer, byteOffset, length } = packed;
      const steps = dtype === 'int8' ? new Int8Array(buffer, byteOffset, length) : unpackHalves(packed, out.length);
      fromSteps(steps, { group, scales: new Float32Array(joined([scales!], scales!.length)) }, out);
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
  const wholes = tensors.map((tensor, index) => {
    const where = (): string => `${place}, tensor ${specs[index]!.name}`;
    const whole = isSparse(tensor) ? dense(tensor, counts[index]!, where) : tensor;
    checkScales(whole, counts[index]!, where);
    return whole;
  });
  const all = allocate(counts.reduce((sum, count) => sum + count, 0));
  const bytes = bytesOf(all);
  let end = 0;
  return counts.map((count, index) => {
    const start = end;
    end += count;
    const values = all.subarray(start, end);
    decodeInto(wholes[index]!, values, bytes, 4 * start);
    return values;
  });
};

/** The values of one tensor, as `decodeTensors` has them. */
export const decodeTensor = (tensor: WireTensor, dtype: Dtype, spec: TensorSpec, rows: number, place: string): Float32Array<ArrayBuffer> =>
  decodeTensors([tensor], dtype, [spec], rows, place)[0]!;
