import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSketch, RELATIVE_ERROR } from '../../../src/runs/folder/sketch.js';

const trueQuantile = (values: readonly number[], q: number): number =>
  [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(q * values.length) - 1)]!;

describe('sketch', () => {
  it('keeps every percentile within the stated error, over values of any size', () => {
    const value = fc.double({ min: -5, max: 11, noNaN: true }).map((exponent) => 10 ** exponent);
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 300 }), fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const sketch = createSketch();
        for (const each of values) sketch.add(each);
        const expected = trueQuantile(values, q);
        expect(Math.abs(sketch.quantile(q) - expected)).toBeLessThanOrEqual(expected * RELATIVE_ERROR * (1 + 1e-9));
      }),
    );
  });
  it('counts on from its saved state as if it had never stopped', () => {
    const whole = createSketch();
    const first = createSketch();
    for (let i = 1; i <= 500; i++) for (const sketch of [whole, first]) sketch.add(i / 7);
    const second = createSketch(JSON.parse(JSON.stringify(first.state())));
    for (let i = 1; i <= 500; i++) for (const sketch of [whole, second]) sketch.add(i * 3);
    expect(second.state()).toEqual(whole.state());
  });
  it('sorts any values into bins that are the same for all, each value within the stated error of its own', () => {
    const value = fc.double({ min: -5, max: 11, noNaN: true }).map((exponent) => 10 ** exponent);
    const all = createSketch();
    for (let exponent = -5; exponent < 11; exponent += 0.01) all.add(10 ** exponent);
    const known = new Set(all.bins().map(({ from, to }) => `${from} ${to}`));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 100 }), (values) => {
        const sketch = createSketch();
        for (const each of values) sketch.add(each);
        const bins = sketch.bins();
        const within = ({ from, to }: { from: number; to: number }): number =>
          values.filter((each) => each > from * (1 - 1e-9) && each <= to * (1 + 1e-9)).length;
        for (const bin of bins) expect(within(bin)).toBeGreaterThanOrEqual(bin.count);
        for (const { from, to } of bins) expect(known.has(`${from} ${to}`)).toBe(true);
        expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
      }),
    );
  });
  it('needs no more room for a million values than for a thousand', () => {
    const size = (count: number): number => {
      const sketch = createSketch();
      for (let i = 0; i < count; i++) sketch.add(1 + (i % 1000));
      return sketch.state().buckets.length;
    };
    expect(size(1_000_000)).toBe(size(1000));
  });
  it('is zero when empty, and leaves out what is not a duration', () => {
    const sketch = createSketch();
    for (const value of [Number.NaN, -1]) sketch.add(value);
    expect([sketch.count(), sketch.quantile(0.5), sketch.mean(), sketch.max()]).toEqual([0, 0, 0, 0]);
    sketch.add(0);
    expect([sketch.count(), sketch.quantile(0.5)]).toEqual([1, 0]);
  });
});
