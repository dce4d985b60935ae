import { badInput } from '../base/errors.js';
import { bytesOf } from '../base/views.js';
import { decodeGaps, encodeGaps } from './gaps.js';
import { packHalves, unpackHalves } from './rounding.js';
import type { Dtype, WireTensor } from './tensor-form.js';

/**
 * A tensor of which only the numbers that are not zero travel, bit for bit: `data` has those alone, in order. Their places are either a bit
 * for each number (`bitmap`, the lowest bit first) or gaps (`gaps`, gaps.ts). Scales of groups without such a number are zero, and do not travel.
 */
type Units = Uint32Array | Uint16Array | Uint8Array;

const BITS: Readonly<Record<Dtype, number>> = { f32: 32, f16: 16, int8: 8, int4: 4 };

/** Bytes of so many numbers, without scales. */
export const dataBytes = (dtype: Dtype, count: number): number => Math.ceil((count * BITS[dtype]) / 8);

/** Copies the pieces into fresh, aligned memory. */
export const joined = (pieces: readonly Uint8Array[], length: number): ArrayBuffer => {
  const out = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out.buffer;
};

/** Numbers as they are encoded, one element each. */
const unitsOf = (dtype: Dtype, pieces: readonly Uint8Array[], count: number): Units => {
  const bytes = joined(pieces, dataBytes(dtype, count));
  if (dtype === 'f32') return new Uint32Array(bytes);
  if (dtype === 'f16') return new Uint16Array(bytes);
  return dtype === 'int8' ? new Uint8Array(bytes) : new Uint8Array(unpackHalves(new Uint8Array(bytes), count).buffer);
};

const bytesOfUnits = (dtype: Dtype, units: Units): Uint8Array => (dtype === 'int4' ? packHalves(units as Uint8Array) : bytesOf(units));

const placesOf = (units: Units): Uint32Array => {
  const places = new Uint32Array(units.length);
  let kept = 0;
  // −0 is a number like others: what counts are the bits.
  for (let i = 0; i < units.length; i++) if (units[i] !== 0) places[kept++] = i;
  return places.subarray(0, kept);
};

/** Zeros, of the same sort of unit. */
const zeros = (like: Units, count: number): Units => new (like.constructor as new (length: number) => Units)(count);

const gathered = (units: Units, places: Uint32Array): Units => {
  const out = zeros(units, places.length);
  for (let i = 0; i < places.length; i++) out[i] = units[places[i]!]!;
  return out;
};

const bitmapOf = (places: Uint32Array, count: number): Uint8Array => {
  const bits = new Uint8Array(Math.ceil(count / 8));
  for (const place of places) bits[place >> 3]! |= 1 << (place & 7);
  return bits;
};

/** What a field of bytes takes in a message beyond them: its name, and how long it is. */
const FIELD = 12;

/** Groups that have one of the places, ascending. */
const groupsOf = (places: Uint32Array, group: number): number[] => {
  const groups: number[] = [];
  for (const place of places) {
    const at = Math.floor(place / group);
    if (at !== groups.at(-1)) groups.push(at);
  }
  return groups;
};

/** The scales of those groups; undefined where another group has a scale that is not zero. */
const keptScales = (scales: Uint8Array, groups: readonly number[]): Uint8Array | undefined => {
  const words = new Uint32Array(joined([scales], scales.length));
  const kept = Uint32Array.from(groups, (at) => words[at]!);
  for (const at of groups) words[at] = 0;
  return words.every((word) => word === 0) ? bytesOf(kept) : undefined;
};

const groupSize = ({ group, shape }: WireTensor): number => group ?? shape.at(-1) ?? 1;

/** A dense tensor of `count` numbers in the shortest of the three forms. */
export const sparsest = (tensor: WireTensor, count: number): WireTensor => {
  const { dtype, data, scales, ...rest } = tensor;
  const units = unitsOf(dtype, data, count);
  const places = placesOf(units);
  const left = scales && keptScales(scales, groupsOf(places, groupSize(tensor)));
  if (scales !== undefined && left === undefined) return tensor;
  const gaps = encodeGaps(places);
  const bitmapBytes = Math.ceil(count / 8);
  const [size, whole] = [places.length, count].map((numbers) => dataBytes(dtype, numbers)) as [number, number];
  const saved = whole + (scales?.length ?? 0) - size - (left?.length ?? 0);
  if (saved <= Math.min(gaps.length, bitmapBytes) + FIELD) return tensor;
  const sparse = {
    ...rest,
    dtype,
    data: [bytesOfUnits(dtype, gathered(units, places))],
    ...(left && { scales: left }),
  };
  return gaps.length <= bitmapBytes ? { ...sparse, gaps } : { ...sparse, bitmap: bitmapOf(places, count) };
};

const placesIn = ({ bitmap, gaps }: WireTensor, count: number, place: () => string): Uint32Array => {
  if (gaps !== undefined) return decodeGaps(gaps, count, place);
  const bits = bitmap!;
  const expected = Math.ceil(count / 8);
  if (bits.length !== expected) throw badInput('MESSAGE', place(), `a bitmap of ${expected} bytes`, String(bits.length));
  const places: number[] = [];
  for (let i = 0; i < 8 * expected; i++) if ((bits[i >> 3]! >> (i & 7)) & 1) places.push(i);
  if ((places.at(-1) ?? 0) >= Math.max(1, count))
    throw badInput('MESSAGE', place(), `a bitmap of ${count} numbers`, `number ${places.at(-1)}`);
  return Uint32Array.from(places);
};

export const isSparse = ({ bitmap, gaps }: WireTensor): boolean => bitmap !== undefined || gaps !== undefined;

/** The dense form of a sparse tensor of `count` numbers. Throws MESSAGE, naming `place`, for one that `sparsest` does not write. */
export const dense = (tensor: WireTensor, count: number, place: () => string): WireTensor => {
  const { dtype, shape, data, scales, group } = tensor;
  if (tensor.bitmap !== undefined && tensor.gaps !== undefined) throw badInput('MESSAGE', place(), 'a bitmap or gaps', 'both');
  const places = placesIn(tensor, count, place);
  const wanted = dataBytes(dtype, places.length);
  const found = data.reduce((sum, piece) => sum + piece.length, 0);
  if (found !== wanted) throw badInput('MESSAGE', place(), `${wanted} bytes`, String(found));
  const units = unitsOf(dtype, data, places.length);
  const all = zeros(units, count);
  for (let i = 0; i < places.length; i++) all[places[i]!] = units[i]!;
  const whole: WireTensor = { dtype, shape, data: [bytesOfUnits(dtype, all)], ...(group !== undefined && { group }) };
  if (scales === undefined) return whole;
  const size = groupSize(tensor);
  const groups = groupsOf(places, size);
  if (scales.length !== 4 * groups.length)
    throw badInput('MESSAGE', place(), `${4 * groups.length} bytes of scales`, String(scales.length));
  const spread = new Uint32Array(Math.ceil(count / size));
  const words = new Uint32Array(joined([scales], scales.length));
  groups.forEach((at, index) => {
    spread[at] = words[index]!;
  });
  return { ...whole, scales: bytesOf(spread) };
};
