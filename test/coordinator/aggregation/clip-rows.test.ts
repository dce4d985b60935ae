import { describe, expect, it } from 'vitest';
import { deviceId } from '../../../src/base/units.js';
import { SMALL_UP, smallUpdates } from '../../../src/conformance/small-updates.js';
import { clipRows } from '../../../src/coordinator/aggregation/clip-rows.js';

/** Two rows and a dense tensor; the rows have norms 5 and `long`. */
const update = (device: number, long: number) => ({
  device: deviceId(device),
  count: 1,
  rows: Uint32Array.of(1, 4),
  tensors: [Float32Array.of(3, 0, 0, 0, long, 0), Float32Array.of(4, 0), Float32Array.of(9, 9, 9, 9)],
});

describe('clipping of rows', () => {
  it('scales a long row down in all of its tensors, and leaves other rows and dense tensors', () => {
    const [, second, third] = clipRows([update(1, 5), update(2, 5), update(3, 500)], SMALL_UP, 2);
    expect(second).toEqual(update(2, 5));
    expect(third).toEqual(update(3, 10));
  });

  it('keeps the bound within the honest lengths while fewer than half attack, with however many rows', () => {
    const attackers = [1, 2].map((device) => ({
      ...update(device, 1e9),
      tensors: update(device, 1e9).tensors.map((values) => values.map((value) => 1e6 * value)),
    }));
    const clipped = clipRows([...attackers, update(3, 5), update(4, 5), update(5, 5)], SMALL_UP, 1);
    for (const { tensors } of clipped) expect(Math.hypot(...tensors[0]!.subarray(3, 6), tensors[1]![1]!)).toBeCloseTo(5, 4);
  });

  it('changes nothing with 0, without rows, or without tensors that have rows', () => {
    const updates = smallUpdates(4, 1);
    expect(clipRows(updates, SMALL_UP, 0)).toBe(updates);
    const none = [
      { ...update(1, 5), rows: new Uint32Array(0), tensors: [new Float32Array(0), new Float32Array(0), Float32Array.of(1, 1, 1, 1)] },
    ];
    expect(clipRows(none, SMALL_UP, 1)).toBe(none);
    const dense = [{ ...update(1, 5), tensors: [Float32Array.of(9, 9, 9, 9)] }];
    expect(clipRows(dense, SMALL_UP.slice(2), 1)).toBe(dense);
  });
});
