import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../../src/base/random.js';
import { bytesOf } from '../../src/base/views.js';
import { decodeHalves, decodeRows, encodeHalves, encodeRows } from '../../src/messages/conversions.js';
import { decodeFloat16Plain, encodeFloat16Plain } from '../../src/messages/float16.js';
import { findScales, fromStepsPlain, roundToSteps } from '../../src/messages/rounding.js';

const bitsOf = (values: Float32Array): Uint32Array => new Uint32Array(values.slice().buffer);
/** What no number is has many bits: those of the processor. */
const sameBits = (found: Float32Array, expected: Float32Array): void => {
  const [a, b] = [found, expected].map((values) => bitsOf(values.map((value) => (Number.isNaN(value) ? Number.NaN : value))));
  if (Buffer.compare(Buffer.from(a!.buffer), Buffer.from(b!.buffer)) !== 0) expect(a).toEqual(b);
};

/** Floats of any bits, at any place in words of 8 bytes, in shared memory or not. */
const inMemory = (count: number, shift: number, shared: boolean): Float32Array => {
  const bytes = 4 * (count + shift);
  return new Float32Array(shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes), 4 * shift, count);
};
const anyBits = (count: number, key: number, shift = 0, shared = false): Float32Array => {
  const { integer } = random(key, 'bits');
  const out = inMemory(count, shift, shared);
  const bits = new Uint32Array(out.buffer, out.byteOffset, count);
  for (let i = 0; i < count; i++) bits[i] = integer(2 ** 32);
  return out;
};

describe('the kernels for halves', () => {
  const encodePlain = (values: Float32Array): Uint16Array => {
    const out = new Uint16Array(values.length);
    encodeFloat16Plain(values, out);
    return out;
  };

  it('encode floats of any bits as the definition does, wherever they lie', () => {
    for (const [key, shift, shared] of [
      [1, 0, false],
      [2, 1, false],
      [3, 0, true],
      [4, 1, true],
    ] as const) {
      const values = anyBits(50_003, key, shift, shared);
      const out = new Uint16Array(values.length);
      const done = encodeHalves(values, out);
      expect(done).toBe(50_000);
      expect(Buffer.compare(Buffer.from(out.buffer, 0, 2 * done), Buffer.from(encodePlain(values).buffer, 0, 2 * done))).toBe(0);
    }
  });

  it('encode what lies between two halves as the definition does: every half, and its neighbours on either side of the middle', () => {
    const around = Array.from({ length: 0x7c00 }, (_, bits) => {
      const middle =
        ((bits >>> 10 === 0 ? bits * 2 ** -24 : (1 + (bits & 1023) / 1024) * 2 ** ((bits >>> 10) - 15)) as number) +
        (bits >>> 10 < 2 ? 2 ** -25 : 2 ** ((bits >>> 10) - 26));
      return [middle, middle * (1 - 2 ** -23), middle * (1 + 2 ** -23), -middle];
    }).flat();
    const values = Float32Array.from(around);
    const out = new Uint16Array(values.length);
    expect(encodeHalves(values, out)).toBe(values.length);
    expect(Buffer.compare(Buffer.from(out.buffer), Buffer.from(encodePlain(values).buffer))).toBe(0);
  });

  it('decode all halves as the definition does, wherever they go', () => {
    const halves = Uint8Array.from(bytesOf(Uint16Array.from({ length: 0x10000 }, (_, bits) => bits)));
    for (const [offset, shift] of [
      [0, 0],
      [1, 1],
      [5, 0],
    ] as const) {
      const moved = new Uint8Array(halves.length + offset).subarray(offset);
      moved.set(halves);
      const [found, expected] = [inMemory(0x10000, shift, false), new Float32Array(0x10000)];
      expect(decodeHalves(moved, found)).toBe(0x10000);
      decodeFloat16Plain(halves, expected);
      sameBits(found, expected);
    }
  });
});

describe('the kernels for rows of whole numbers', () => {
  const rows = fc.tuple(fc.constantFrom(4, 8, 12, 64), fc.integer({ min: 40, max: 300 }), fc.nat(), fc.constantFrom(0, 1), fc.boolean());

  it.each([127, 7])('give the bits of the definition, of floats of any bits: %d levels', (levels) => {
    fc.assert(
      fc.property(rows, fc.constantFrom('any', 'normal', 'ties', 'zeros'), ([width, count, key, shift, shared], kind) => {
        const values = anyBits(width * count, key, shift, shared);
        const { normal, integer } = random(key, kind);
        if (kind !== 'any')
          for (let i = 0; i < values.length; i++)
            values[i] = kind === 'normal' ? normal() : kind === 'ties' ? (integer(4 * levels) - 2 * levels) / 2 : 0;
        const [found, expected] = [new Float32Array(count), new Float32Array(count)];
        const steps = new Int8Array(values.length);
        expect(encodeRows(values, width, levels, found, steps)).toBe(true);
        findScales(values, width, levels, expected);
        sameBits(found, expected);
        const plain = roundToSteps(values, width, levels, expected);
        if (Buffer.compare(Buffer.from(steps.buffer), Buffer.from(plain.buffer)) !== 0) expect(steps).toEqual(plain);
        const [back, plainly] = [inMemory(values.length, shift, false), new Float32Array(values.length)];
        expect(decodeRows(steps, width, found, back)).toBe(true);
        fromStepsPlain(steps, { group: width, scales: found }, plainly);
        sameBits(back, plainly);
      }),
      { seed: 4, numRuns: 150 },
    );
  });

  it('leave other widths, and few numbers, to the definition', () => {
    const scales = new Float32Array(400);
    expect(encodeRows(new Float32Array(1200), 3, 127, scales, new Int8Array(1200))).toBe(false);
    expect(encodeRows(new Float32Array(64), 8, 127, scales, new Int8Array(64))).toBe(false);
    expect(decodeRows(new Int8Array(1202), 4, scales, new Float32Array(1202))).toBe(false);
  });

  it('take more rows than a block has', () => {
    const values = anyBits(200_000, 9);
    const [scales, expected] = [new Float32Array(25_000), new Float32Array(25_000)];
    const steps = new Int8Array(values.length);
    expect(encodeRows(values, 8, 127, scales, steps)).toBe(true);
    findScales(values, 8, 127, expected);
    sameBits(scales, expected);
    expect(Buffer.compare(Buffer.from(steps.buffer), Buffer.from(roundToSteps(values, 8, 127, expected).buffer))).toBe(0);
  });
});
