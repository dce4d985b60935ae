import { describe, expect, it } from 'vitest';
import { distinctRows, lowerBound, rowOf } from '../../../src/algorithms/port/rows.js';

describe('the rows of a batch', () => {
  it('are its items, ascending and each once', () => {
    for (const [items, rows] of [
      [[], []],
      [[7], [7]],
      [
        [1, 4, 9],
        [1, 4, 9],
      ],
      [
        [4, 1, 9],
        [1, 4, 9],
      ],
      [
        [9, 10, 8, 100],
        [8, 9, 10, 100],
      ],
      [
        [2, 2, 5, 5, 5],
        [2, 5],
      ],
      [
        [5, 2, 5, 0, 2],
        [0, 2, 5],
      ],
    ] as const)
      expect([...distinctRows(items)], String(items)).toEqual(rows);
  });

  it('are a list of its own, and as long as it says', () => {
    const items = Uint32Array.of(3, 1, 1);
    const rows = distinctRows(items);
    expect([...items]).toEqual([3, 1, 1]);
    expect(rows.buffer.byteLength).toBe(8);
  });
});

describe('the row of an item', () => {
  const rows = Uint32Array.of(2, 3, 7, 11);

  it('is its place among the rows there are, or the item itself where there is one for each', () => {
    expect([...rows].map((item) => rowOf(rows, item))).toEqual([0, 1, 2, 3]);
    expect(rowOf(null, 7)).toBe(7);
  });

  it('is missed by name', () => {
    for (const item of [0, 5, 12]) expect(() => rowOf(rows, item)).toThrow(`the model has no row for item ${item}`);
    expect(() => rowOf(new Uint32Array(0), 0)).toThrow('no row for item 0');
  });

  it('would stand before the first that is not below it', () => {
    expect([0, 2, 3, 4, 7, 8, 11, 12].map((item) => lowerBound(rows, item))).toEqual([0, 0, 1, 2, 2, 3, 3, 4]);
    expect(lowerBound(new Uint32Array(0), 5)).toBe(0);
  });
});
