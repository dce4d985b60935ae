import { decodeHalves, encodeHalves } from './conversions.js';

/** IEEE 754 binary16, round to nearest even; overflow saturates, so that one large number does not become an infinity. */
const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

const half = (value: number): number => {
  float[0] = value;
  const bits = word[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7bff;
  if (magnitude < 0x38800000) {
    // Subnormal halves are multiples of 2⁻²⁴; adding 0.5 lets the hardware round to nearest even at that place.
    float[0] = Math.abs(value) + 0.5;
    return sign | (word[0]! - 0x3f000000);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
};

const single = (bits: number): number => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
};

const SINGLES = Float32Array.from({ length: 0x10000 }, (_, bits) => single(bits));

/** Numbers from `from` on. The definition: kernels do the same to most of them (conversions.ts). */
export const encodeFloat16Plain = (values: Float32Array, out: Uint16Array, from = 0): void => {
  for (let i = from; i < values.length; i++) out[i] = half(values[i]!);
};

export const decodeFloat16Plain = (halves: Uint8Array, out: Float32Array, from = 0): void => {
  for (let i = from; i < out.length; i++) out[i] = SINGLES[halves[2 * i]! | (halves[2 * i + 1]! << 8)]!;
};

export const encodeFloat16 = (values: Float32Array): Uint16Array => {
  const out = new Uint16Array(values.length);
  encodeFloat16Plain(values, out, encodeHalves(values, out));
  return out;
};

/** The numbers of little-endian halves. */
export const decodeFloat16 = (halves: Uint8Array, out = new Float32Array(halves.length / 2)): Float32Array => {
  decodeFloat16Plain(halves, out, decodeHalves(halves, out));
  return out;
};
