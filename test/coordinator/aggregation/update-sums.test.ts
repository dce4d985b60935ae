import { describe, expect, it } from 'vitest';
import type { ClientUpdate } from '../../../src/algorithms/port/server.js';
import { random } from '../../../src/base/random.js';
import { deviceId } from '../../../src/base/units.js';
import { createUpdateSums } from '../../../src/coordinator/aggregation/update-sums.js';
import type { TensorSpec } from '../../../src/messages/wire-tensor.js';

const ITEMS = 5;
const UP: readonly TensorSpec[] = [
  { name: 'rows', perRow: true, shape: [2] },
  { name: 'numbers', perRow: true, shape: [] },
  { name: 'dense', perRow: false, shape: [1, 3] },
];
const of = (...values: number[]) => Float32Array.from(values);
const update = (device: number, count: number, rows: readonly number[], tensors: readonly Float32Array[]): ClientUpdate => ({
  device: deviceId(device),
  count,
  rows: Uint32Array.from(rows),
  tensors,
});
const FIRST = update(0, 2, [0, 3], [of(1, 2, 3, 4), of(5, 6), of(7, 8, 9)]);
const SECOND = update(4, 3, [3], [of(10, -20), of(0), of(1, 1, 1)]);

describe('the sum of client updates', () => {
  it('weighs each by its records: by hand', () => {
    const { weight, tensors, rowWeights } = createUpdateSums(UP, ITEMS).of([FIRST, SECOND]);
    expect(weight).toBe(5);
    expect(tensors).toEqual([of(2, 4, 0, 0, 0, 0, 36, -52, 0, 0), of(10, 0, 0, 12, 0), of(17, 19, 21)]);
    expect(rowWeights).toEqual(of(2, 0, 0, 5, 0));
  });

  it('weighs all alike where the algorithm says so, and counts them either way', () => {
    const uniform = createUpdateSums(UP, ITEMS, 'uniform').of([FIRST, SECOND]);
    expect([uniform.updates, uniform.weight]).toEqual([2, 2]);
    expect(uniform.tensors).toEqual([of(1, 2, 0, 0, 0, 0, 13, -16, 0, 0), of(5, 0, 0, 6, 0), of(8, 9, 10)]);
    expect(uniform.rowWeights).toEqual(of(1, 0, 0, 2, 0));
    expect(createUpdateSums(UP, ITEMS).of([FIRST, SECOND, SECOND]).updates).toBe(3);
  });

  it('counts the weight of rows that are zero, as decoys are', () => {
    const { rowWeights, tensors } = createUpdateSums(UP, ITEMS).of([update(1, 4, [1, 2], [of(0, 0, 1, 1), of(0, 1), of(0, 0, 0)])]);
    expect(rowWeights).toEqual(of(0, 4, 4, 0, 0));
    expect(tensors[1]).toEqual(of(0, 0, 4, 0, 0));
  });

  it('holds nothing of the sum before, in the same memory', () => {
    const sums = createUpdateSums(UP, ITEMS);
    const before = sums.of([FIRST, SECOND]);
    const alone = sums.of([SECOND]);
    expect(alone).toEqual(createUpdateSums(UP, ITEMS).of([SECOND]));
    alone.tensors.forEach((values, index) => expect(values.buffer).toBe(before.tensors[index]!.buffer));
  });

  it('is of float32, in the order of the updates', () => {
    const dense = [{ name: 'dense', perRow: false, shape: [1] }];
    const one = (value: number) => update(0, 1, [], [of(value)]);
    const sum = (...values: number[]) => createUpdateSums(dense, ITEMS).of(values.map(one)).tensors[0]![0];
    expect(sum(2 ** 24, 1, 1)).toBe(2 ** 24);
    expect(sum(1, 1, 2 ** 24)).toBe(2 ** 24 + 2);
  });

  it('is what a naive sum in float64 is, but for rounding', () => {
    const source = random(3, 'updates');
    const normals = (count: number) => Float32Array.from({ length: count }, () => source.normal());
    const updates = Array.from({ length: 40 }, (_, device) => {
      const rows = Array.from({ length: ITEMS }, (_row, item) => item).filter(() => source.uniform() < 0.5);
      return update(device, 1 + source.integer(9), rows, [normals(2 * rows.length), normals(rows.length), normals(3)]);
    });
    const naive = [Array(2 * ITEMS).fill(0), Array(ITEMS).fill(0), Array(3).fill(0)] as [number[], number[], number[]];
    for (const { count, rows, tensors } of updates) {
      rows.forEach((row, at) => {
        for (const e of [0, 1]) naive[0][2 * row + e]! += count * tensors[0]![2 * at + e]!;
        naive[1][row]! += count * tensors[1]![at]!;
      });
      tensors[2]!.forEach((value, i) => (naive[2][i]! += count * value));
    }
    createUpdateSums(UP, ITEMS)
      .of(updates)
      .tensors.forEach((values, index) => values.forEach((value, i) => expect(value).toBeCloseTo(naive[index]![i]!, 3)));
  });
});
