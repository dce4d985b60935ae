import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame } from '../../src/messages/frame.js';
import { decodeGaps, encodeGaps } from '../../src/messages/gaps.js';
import type { Grid } from '../../src/messages/rounding.js';
import { isSparse, sparsest } from '../../src/messages/sparse.js';
import { DTYPES, type Dtype, type WireTensor } from '../../src/messages/tensor-form.js';
import { decodeTensor, elements, encodeTensor, type TensorSpec } from '../../src/messages/wire-tensor.js';
import { examples, orMessageError, plain } from '../support/messages/arbitrary-messages.js';

const SPEC: TensorSpec = { name: 'rows', perRow: true, shape: [3] };
const decode = (tensor: WireTensor, rows: number) => decodeTensor(tensor, tensor.dtype, SPEC, rows, 'place');
const bitsOf = (values: Float32Array): Uint32Array => new Uint32Array(values.slice().buffer);
const bytesIn = ({ data, scales, bitmap, gaps }: WireTensor): number =>
  [...data, scales, bitmap, gaps].reduce((sum, piece) => sum + (piece?.length ?? 0), 0);
const encodedBytes = (tensor: WireTensor): number =>
  encodeFrame([{ kind: 'want', round: 1, device: 1 as never, purpose: 'train', rows: null, tensors: [tensor] }]).sizes[0]!;

/** Rows of three numbers, of which a share is not zero; −0, NaN and the smallest numbers among them. */
const values = fc.tuple(fc.nat(200), fc.constantFrom(0, 0.01, 0.1, 0.5, 1)).chain(([rows, share]) => {
  const number = fc.oneof(fc.float(), fc.constantFrom(-0, 2 ** -149, Number.NaN));
  const entry = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), number).map(([chance, value]) => (chance < share ? value : 0));
  return fc.array(entry, { minLength: 3 * rows, maxLength: 3 * rows }).map((list) => ({ rows, all: Float32Array.from(list) }));
});
const grid: fc.Arbitrary<number | undefined> = fc.constantFrom(undefined, 1, 5, 64);

const encoded = (dtype: Dtype, rows: number, all: Float32Array, group: number | undefined): WireTensor => {
  const grids: Grid | undefined =
    group === undefined ? undefined : { group, scales: new Float32Array(Math.ceil(all.length / group)).fill(0.5) };
  return encodeTensor(dtype, [rows, 3], [all], dtype === 'f32' || dtype === 'f16' ? undefined : grids);
};

describe.each(DTYPES)('a sparse tensor as %s', (dtype) => {
  it('decodes to the bits of the dense one, and takes no more bytes', () => {
    fc.assert(
      fc.property(values, grid, ({ rows, all }, group) => {
        const whole = encoded(dtype, rows, all, group);
        const sparse = sparsest(whole, all.length);
        expect(bitsOf(decode(sparse, rows))).toEqual(bitsOf(decode(whole, rows)));
        expect(encodedBytes(sparse)).toBeLessThanOrEqual(encodedBytes(whole));
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it('has the shortest of three forms', () => {
    const of = (share: number): WireTensor => {
      const all = Float32Array.from({ length: 3000 }, (_, at) => (at % 1000 < 1000 * share ? 1 + at : 0));
      return sparsest(encodeTensor(dtype, [1000, 3], [all]), all.length);
    };
    expect(isSparse(of(1))).toBe(false);
    expect(of(0.5)).toHaveProperty('bitmap');
    const few = of(0.01);
    expect(few).toHaveProperty('gaps');
    const perNumber = { f32: 4, f16: 2, int8: 1, int4: 0.5 }[dtype];
    expect(few.data[0]).toHaveLength(30 * perNumber);
    // One byte for a place near the one before, two for one that is 990 numbers away. Only rows with such a number have a scale.
    const scales = dtype === 'int8' || dtype === 'int4' ? 4 * (4 + 4 + 4) : 0;
    expect(bytesIn(few)).toBeLessThanOrEqual(30 * perNumber + 30 + 2 + scales);
  });
});

describe('what damages a sparse tensor', () => {
  const good = sparsest(encodeTensor('int8', [40, 3], [Float32Array.from({ length: 120 }, (_, at) => (at % 50 === 7 ? at : 0))]), 120);
  const said = (change: Partial<WireTensor>): unknown => orMessageError(() => decode({ ...good, ...change }, 40));

  it('is refused: fields that do not fit each other', () => {
    expect(said({})).toBeInstanceOf(Float32Array);
    expect([...good.gaps!]).toEqual([7, 49, 49]);
    expect(said({ bitmap: new Uint8Array(15) })).toBe('place, tensor rows: expected a bitmap or gaps, found both');
    expect(said({ data: [new Uint8Array(4)] })).toBe('place, tensor rows: expected 3 bytes, found 4');
    expect(said({ scales: new Uint8Array(8) })).toBe('place, tensor rows: expected 12 bytes of scales, found 8');
    expect(said({ group: 0 })).toBe('place, tensor rows: expected groups of numbers, found 0');
    expect(said({ gaps: Uint8Array.of(7, 49, 100) })).toBe('place, tensor rows: expected numbers below 120, found 158');
    expect(said({ gaps: Uint8Array.of(7, 49, 49, 128) })).toBe('place, tensor rows: expected whole gaps, found the beginning of one');
    expect(said({ gaps: Uint8Array.of(7, 49, 177, 0) })).toBe(
      'place, tensor rows: expected gaps of at most 5 bytes, none padded, found others',
    );
    const { gaps, ...rest } = good;
    const bitmap = (bits: Uint8Array) => orMessageError(() => decode({ ...rest, bitmap: bits }, 40));
    expect(bitmap(new Uint8Array(14))).toBe('place, tensor rows: expected a bitmap of 15 bytes, found 14');
    const none = sparsest(encodeTensor('int8', [41, 3], [new Float32Array(123)]), 123);
    const beyond = {
      ...none,
      gaps: undefined as never,
      bitmap: Uint8Array.from({ length: 16 }, (_, at) => (at === 15 ? 8 : 0)),
      data: [Uint8Array.of(1)],
    };
    expect(orMessageError(() => decode(beyond, 41))).toBe('place, tensor rows: expected a bitmap of 123 numbers, found number 123');
  });

  it('never does more: any byte of a frame may change', () => {
    const messages = examples().filter(({ kind }) => kind === 'update');
    const { frame, length } = encodeFrame(messages);
    expect(decodeFrame(frame.slice(0), length, 'frame').messages.map(plain)).toEqual(messages.map(plain));
    for (let at = 0; at < length; at++)
      for (const byte of [0, 1, 127, 128, 255]) {
        const other = new Uint8Array(frame.slice(0, length));
        other[at] = byte;
        const found = orMessageError(() => decodeFrame(other.buffer, length, 'frame').messages);
        if (typeof found === 'string') continue;
        for (const message of found)
          for (const tensor of 'tensors' in message ? (message.tensors ?? []) : []) {
            const [rows = 0, ...shape] = tensor.shape;
            const count = elements(tensor.shape);
            const values = count > 1e6 || orMessageError(() => decodeTensor(tensor, tensor.dtype, { ...SPEC, shape }, rows, 'place'));
            if (values instanceof Float32Array) expect(values).toHaveLength(count);
          }
      }
  });
});

describe('gaps', () => {
  it('are ascending numbers below 2³², in few bytes', () => {
    const ids = fc.uniqueArray(fc.oneof(fc.nat(300), fc.nat(0xffffffff), fc.constantFrom(0, 127, 128, 16_511, 2 ** 32 - 1)));
    fc.assert(
      fc.property(ids, (list) => {
        const ascending = Uint32Array.from(list).sort();
        const bytes = encodeGaps(ascending);
        expect(decodeGaps(bytes, 2 ** 32, () => 'test')).toEqual(ascending);
        expect(bytes.length).toBeLessThanOrEqual(5 * ascending.length);
      }),
      { seed: 5 },
    );
    expect(encodeGaps(Uint32Array.of(0, 1, 2, 130))).toHaveLength(4);
  });
});
