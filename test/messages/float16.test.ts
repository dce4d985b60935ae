import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../src/base/views.js';
import { decodeFloat16, encodeFloat16 } from '../../src/messages/float16.js';

/** Every finite half ≥ 0 by its bits, counted up one unit in the last place at a time: the format's definition, not its bit layout. */
const FINITE: readonly number[] = Array.from({ length: 0x7c00 }).reduce<number[]>((values, _, bits) => {
  const exponent = Math.max(1, (bits - 1) >> 10);
  values.push(bits === 0 ? 0 : values[bits - 1]! + 2 ** (exponent - 25));
  return values;
}, []);
const LARGEST = 65_504;

/** Bits of the nearest half, a tie going to even bits, by search. */
const nearest = (value: number): number => {
  const magnitude = Math.min(LARGEST, Math.abs(value));
  let low = 0;
  let high = FINITE.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (FINITE[middle]! <= magnitude) low = middle;
    else high = middle - 1;
  }
  const above = Math.min(low + 1, FINITE.length - 1);
  const [down, up] = [magnitude - FINITE[low]!, FINITE[above]! - magnitude];
  const bits = down < up || (down === up && low % 2 === 0) || above === low ? low : above;
  return bits | (Object.is(value, -0) || value < 0 ? 0x8000 : 0);
};

const encode = (value: number): number => encodeFloat16(Float32Array.of(value))[0]!;
const decode = (bits: number): number => decodeFloat16(Uint8Array.of(bits & 255, bits >> 8))[0]!;

const float = fc.float({ noNaN: true });
const ordinary = fc.float({ noNaN: true, min: Math.fround(-70_000), max: Math.fround(70_000) });

describe('half precision', () => {
  it('decodes all 65536 halves', () => {
    const decoded = decodeFloat16(bytesOf(Uint16Array.from({ length: 0x10000 }, (_, bits) => bits)));
    for (let bits = 0; bits < 0x8000; bits++) {
      const expected = bits < 0x7c00 ? FINITE[bits]! : bits === 0x7c00 ? Number.POSITIVE_INFINITY : Number.NaN;
      if (!Object.is(decoded[bits], expected)) expect({ bits, value: decoded[bits] }).toEqual({ bits, value: expected });
      if (!Object.is(decoded[bits | 0x8000], -expected))
        expect({ bits, value: decoded[bits | 0x8000] }).toEqual({ bits, value: -expected });
    }
  });

  it('encodes every half as itself; infinities saturate, and what is no number stays none', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const magnitude = bits & 0x7fff;
      const expected = magnitude < 0x7c00 ? bits : magnitude === 0x7c00 ? (bits & 0x8000) | 0x7bff : undefined;
      if (expected === undefined) expect(decode(encode(decode(bits)))).toBeNaN();
      else if (encode(decode(bits)) !== expected) expect({ bits, found: encode(decode(bits)) }).toEqual({ bits, found: expected });
    }
  });

  it('rounds to the nearest half, ties to even', () => {
    for (let bits = 0; bits + 1 < FINITE.length; bits++) {
      const middle = (FINITE[bits]! + FINITE[bits + 1]!) / 2;
      const around = [middle, middle * (1 - 2 ** -23), middle * (1 + 2 ** -23)];
      for (const value of around)
        if (encode(value) !== nearest(Math.fround(value))) expect({ value, bits: encode(value) }).toEqual({ value, bits: nearest(value) });
    }
    fc.assert(
      fc.property(fc.oneof(float, ordinary), (value) => {
        expect(encode(value)).toBe(nearest(value));
      }),
      { numRuns: 5000 },
    );
  });

  it('is off by at most 2⁻¹¹ of a number, or 2⁻²⁵ below 2⁻¹⁴, and saturates at ±65504', () => {
    fc.assert(
      fc.property(fc.oneof(float, ordinary), (value) => {
        const error = Math.abs(decode(encode(value)) - value);
        if (Math.abs(value) > LARGEST) expect(decode(encode(value))).toBe(Math.sign(value) * LARGEST);
        else expect(error).toBeLessThanOrEqual(Math.max(Math.abs(value) * 2 ** -11, 2 ** -25));
      }),
      { numRuns: 5000 },
    );
    expect([65_504, 65_519, 65_520, 65_536, 1e30, Number.POSITIVE_INFINITY].map((value) => decode(encode(value)))).toEqual(
      Array(6).fill(LARGEST),
    );
    expect([-65_520, Number.NEGATIVE_INFINITY].map((value) => decode(encode(value)))).toEqual([-LARGEST, -LARGEST]);
    expect(decode(encode(Number.NaN))).toBeNaN();
    expect(Object.is(decode(encode(-0)), -0)).toBe(true);
  });
});
