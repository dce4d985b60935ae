import { describe, expect, it } from 'vitest';
import { createSlabs } from '../../src/base/slabs.js';

describe('slabs', () => {
  it('gives zeroed arrays that share memory and not a number', () => {
    const take = createSlabs();
    const arrays = Array.from({ length: 200 }, (_, index) => take(index));
    for (const [index, array] of arrays.entries()) {
      expect(array.length).toBe(index);
      expect(array.every((value) => value === 0)).toBe(true);
      array.fill(index);
    }
    for (const [index, array] of arrays.entries()) expect(array.every((value) => value === index)).toBe(true);
    expect(new Set(arrays.map(({ buffer }) => buffer)).size).toBeLessThan(5);
  });

  it('gives a large array memory of its own', () => {
    const take = createSlabs();
    const [small, large, next] = [take(1), take(10_000), take(1)];
    expect(large.buffer.byteLength).toBe(40_000);
    expect(next.buffer).toBe(small.buffer);
  });
});
