import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DTYPES, type Dtype, type WireTensor } from '../../src/messages/tensor-form.js';
import { decodeTensor, decodeTensors, elements, encodeTensor, shapeOf, type TensorSpec } from '../../src/messages/wire-tensor.js';
import { orMessageError } from '../support/messages/arbitrary-messages.js';

const perRow: TensorSpec = { name: 'items_low', perRow: true, shape: [3] };
const dense: TensorSpec = { name: 'items_rise', perRow: false, shape: [2, 4] };
const matrix: TensorSpec = { name: 'blocks', perRow: true, shape: [2, 3] };
const scalar: TensorSpec = { name: 'b2', perRow: false, shape: [1] };

const float = fc.oneof(
  { weight: 4, arbitrary: fc.float({ noNaN: true, min: Math.fround(-8), max: Math.fround(8) }) },
  { weight: 1, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e30), max: Math.fround(1e30) }) },
);

/** Values of a tensor of up to 9 rows, cut into pieces of whole rows, some of them in shared memory. */
const values = fc
  .record({
    spec: fc.constantFrom(perRow, dense, matrix, scalar),
    rows: fc.nat(9),
    cuts: fc.array(fc.nat(9), { maxLength: 3 }),
    shared: fc.boolean(),
  })
  .chain(({ spec, rows, cuts, shared }) => {
    const shape = shapeOf(spec, rows);
    const count = elements(shape);
    const width = spec.perRow ? elements(spec.shape) : count;
    return fc.array(float, { minLength: count, maxLength: count }).map((list) => {
      const all = shared ? new Float32Array(new SharedArrayBuffer(4 * count)) : new Float32Array(count);
      all.set(list);
      const ends = [...cuts.map((cut) => Math.min(count, cut * width)), count].sort((a, b) => a - b);
      const pieces = ends.map((end, i) => all.subarray(ends[i - 1] ?? 0, end));
      return { spec, rows, shape, all, pieces };
    });
  });

const worstError: Readonly<Record<Dtype, (value: number, largest: number) => number>> = {
  f32: () => 0,
  f16: (value) => (Math.abs(value) > 65_504 ? Math.abs(value) - 65_504 : Math.max(Math.abs(value) * 2 ** -11, 2 ** -25)),
  // The scale itself is rounded to float32, which moves the bound by parts in 10⁷; below 1e-36 a scale has no bits left.
  int8: (_, largest) => (largest / 254) * (1 + 1e-5) + 1e-36,
  int4: (_, largest) => (largest / 14) * (1 + 1e-5) + 1e-36,
};

describe.each(DTYPES)('a tensor as %s', (dtype) => {
  it('comes back within the stated error, whatever pieces it was given in', () => {
    fc.assert(
      fc.property(values, ({ spec, rows, shape, all, pieces }) => {
        const decoded = decodeTensor(encodeTensor(dtype, shape, pieces), dtype, spec, rows, 'test');
        expect(decoded).toHaveLength(all.length);
        const width = shape.at(-1)!;
        all.forEach((value, i) => {
          const row = all.subarray(i - (i % width), i - (i % width) + width);
          const largest = Math.max(...Array.from(row, Math.abs));
          const error = Math.abs(decoded[i]! - value);
          if (!(error <= worstError[dtype](value, largest)))
            expect({ i, value, decoded: decoded[i], largest }).toBe('within the stated error');
        });
      }),
    );
  });

  it('decodes into fresh memory of its own', () => {
    const source = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const encoded = encodeTensor(dtype, [2, 4], [source]);
    const decoded = decodeTensor(encoded, dtype, dense, 0, 'test');
    const before = [...decoded];
    for (const piece of encoded.data) piece.fill(0);
    expect([...decoded]).toEqual(before);
    expect(decoded.buffer).not.toBe(encoded.data[0]!.buffer);
    expect(decoded.byteOffset).toBe(0);
  });

  it('decodes from bytes that lie unaligned', () => {
    const encoded = encodeTensor(dtype, [2, 4], [Float32Array.of(1, -2, 3, -4, 5, -6, 7, -8)]);
    const shift = (bytes: Uint8Array): Uint8Array => {
      const view = new Uint8Array(bytes.length + 1).subarray(1);
      view.set(bytes);
      return view;
    };
    const unaligned: WireTensor = {
      ...encoded,
      data: encoded.data.map(shift),
      ...(encoded.scales === undefined ? {} : { scales: shift(encoded.scales) }),
    };
    expect(decodeTensor(unaligned, dtype, dense, 0, 'test')).toEqual(decodeTensor(encoded, dtype, dense, 0, 'test'));
  });

  it('of another form than both ends agreed on is refused, with the reason', () => {
    const good = encodeTensor(dtype, [2, 3], [Float32Array.of(1, 2, 3, 4, 5, 6)]);
    const said = (tensor: WireTensor, spec = perRow, rows = 2) => orMessageError(() => decodeTensor(tensor, dtype, spec, rows, 'place'));
    expect(said(good)).toBeInstanceOf(Float32Array);
    for (const other of DTYPES.filter((each) => each !== dtype))
      expect(said({ ...good, dtype: other })).toBe(`place, tensor items_low: expected dtype ${dtype}, found ${other}`);
    expect(said(good, perRow, 3)).toBe('place, tensor items_low: expected shape [3, 3], found [2, 3]');
    expect(said({ ...good, shape: [6] })).toBe('place, tensor items_low: expected shape [2, 3], found [6]');
    expect(said({ ...good, shape: [2, 3, 1] })).toBe('place, tensor items_low: expected shape [2, 3], found [2, 3, 1]');
    expect(said({ ...good, shape: [3, 2] })).toBe('place, tensor items_low: expected shape [2, 3], found [3, 2]');
    expect(said({ ...good, shape: [2 ** 50, 3] })).toMatch(/expected shape \[2, 3\]/);
    const size = good.data[0]!.length;
    expect(said({ ...good, data: [] })).toBe(`place, tensor items_low: expected ${size} bytes, found 0`);
    expect(said({ ...good, data: [good.data[0]!.subarray(1)] })).toBe(`place, tensor items_low: expected ${size} bytes, found ${size - 1}`);
    expect(said({ ...good, data: [...good.data, new Uint8Array(1)] })).toBe(
      `place, tensor items_low: expected ${size} bytes, found ${size + 1}`,
    );
  });
});

describe('int8', () => {
  it('gives each row a scale of its own, so that a large row costs a small one nothing', () => {
    const decoded = decodeTensor(
      encodeTensor('int8', [2, 3], [Float32Array.of(1e6, -1e6, 0, 1e-6, -1e-6, 5e-7)]),
      'int8',
      perRow,
      2,
      'test',
    );
    expect(decoded[3]).toBeCloseTo(1e-6, 8);
    expect(decoded[5]! / 5e-7).toBeCloseTo(1, 1);
  });

  it('keeps a row of zeros', () => {
    const encoded = encodeTensor('int8', [2, 3], [new Float32Array(6)]);
    expect(encoded.scales).toHaveLength(8);
    expect([...decodeTensor(encoded, 'int8', perRow, 2, 'test')]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('saturates where a row is so small that its scale has no bits left', () => {
    // Multiples of the smallest float32: a scale of 1 where 135 / 127 was meant.
    const unit = 2 ** -149;
    const encoded = encodeTensor('int8', [1, 3], [Float32Array.of(135 * unit, -135 * unit, 3 * unit)]);
    expect([...new Int8Array(encoded.data[0]!)]).toEqual([127, -127, 3]);
    expect([...decodeTensor(encoded, 'int8', perRow, 1, 'test')]).toEqual([127 * unit, -127 * unit, 3 * unit]);
  });

  it('needs exactly one scale a row', () => {
    const good = encodeTensor('int8', [2, 3], [Float32Array.of(1, 2, 3, 4, 5, 6)]);
    const { scales, ...without } = good;
    const said = (tensor: WireTensor) => orMessageError(() => decodeTensor(tensor, 'int8', perRow, 2, 'place'));
    expect(said(without)).toBe('place, tensor items_low: expected 8 bytes of scales, found 0');
    expect(said({ ...good, scales: scales!.subarray(4) })).toBe('place, tensor items_low: expected 8 bytes of scales, found 4');
    expect(said({ ...good, scales: new Uint8Array(9) })).toBe('place, tensor items_low: expected 8 bytes of scales, found 9');
  });
});

it('f32 refers to the pieces it was given: nothing is copied before the frame is written', () => {
  const pieces = [Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6)];
  const { data } = encodeTensor('f32', [2, 3], pieces);
  data.forEach((bytes, i) => expect(bytes.buffer).toBe(pieces[i]!.buffer));
});

describe('tensors', () => {
  it('are as many as are expected', () => {
    const one = encodeTensor('f32', [1], [Float32Array.of(7)]);
    const decode = (count: number) => decodeTensors(Array<WireTensor>(count).fill(one), 'f32', [scalar, scalar], 0, 'test');
    expect(decode(2)).toEqual([Float32Array.of(7), Float32Array.of(7)]);
    for (const count of [0, 1, 3]) expect(orMessageError(() => decode(count))).toBe(`test: expected 2 tensors, found ${count}`);
  });
});
