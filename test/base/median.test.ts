import { describe, expect, it } from 'vitest';
import { median } from '../../src/base/median.js';

describe('the median', () => {
  it('is the middle value of an odd number of values, in whatever order', () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([7])).toBe(7);
  });

  it('is the mean of the two middle values of an even number', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([10, 2])).toBe(6);
  });

  it('goes by size, not by spelling, and takes typed arrays', () => {
    expect(median([100, 20, 3])).toBe(20);
    expect(median(Uint32Array.of(100, 20, 3, 4))).toBe(12);
  });

  it('of nothing is no number', () => {
    expect(median([])).toBeNaN();
  });

  it('leaves the values as they were', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});
