import { describe, expect, it } from 'vitest';
import { wilson } from '../../../src/studies/attack/intervals.js';
import { guessItems } from '../../../src/studies/attack/items.js';
import { membershipRow } from '../../../src/studies/attack/membership.js';
import type { Observation } from '../../../src/studies/attack/observation.js';
import { ratingsAt } from '../../../src/studies/attack/offset.js';
import { summed } from '../../../src/studies/attack/summed.js';

const UP = [{ name: 'items', perRow: true, shape: [2] }];

const seenOf = (rows: readonly number[], values: readonly number[], said: Observation['said']): Observation => ({
  model: { rows: null, tensors: [] },
  rows: Uint32Array.from(rows),
  tensors: [Float32Array.from(values)],
  said,
});

const PRIOR = { values: Float64Array.of(1, 2, 3, 4, 5), shares: Float64Array.of(0.05, 0.1, 0.25, 0.4, 0.2) };
const NONE = { known: null, about: null };

describe('intervals', () => {
  it("are Wilson's", () => {
    const [low, high] = wilson(15, 20)!;
    expect(low).toBeCloseTo(0.5313, 4);
    expect(high).toBeCloseTo(0.8881, 4);
    expect(wilson(0, 0)).toBeNull();
  });
});

describe('items of an update', () => {
  it('are the rows that change, and decoys are among those that are named', () => {
    const seen = seenOf([3, 5, 9], [0, 0, 1, 0, 0, -2], { count: 2, loss: 1 });
    expect(guessItems(seen, UP, 'named', 8)).toEqual(Uint32Array.of(3, 5, 9));
    expect(guessItems(seen, UP, 'changed', 8)).toEqual(Uint32Array.of(5, 9));
  });

  it('are those with the largest norms where all rows change', () => {
    const seen = seenOf([3, 5, 9], [0.1, 0, 1, 0, 0, -2], null);
    expect(guessItems(seen, UP, 'changed', 1)).toEqual(Uint32Array.of(9));
  });

  it('of a sum are those of its cohort', () => {
    const truth = {
      batch: { items: new Uint32Array(), values: new Float32Array() },
      train: { items: new Uint32Array(), values: new Float32Array() },
    };
    const some = [seenOf([1], [2, 0], { count: 1, loss: 1 }), seenOf([2], [0, 4], { count: 3, loss: 2 })].map((seen) => ({ seen, truth }));
    const [first, second, ...more] = [...summed(some, UP, 4, { cohort: 2, weighting: 'records' })];
    expect(more).toEqual([]);
    expect(first!.seen).toBe(second!.seen);
    expect(first!.seen.said).toEqual({ count: 4, loss: 3 });
    expect(first!.seen.tensors[0]).toEqual(Float32Array.of(0, 0, 0.5, 0, 0, 3, 0, 0));
  });
});

describe('ratings that are shifted by one number', () => {
  it('are found by the scale', () => {
    const truth = [4, 5, 3, 1, 4, 2];
    const values = Float64Array.from(truth, (value) => value - 3.37);
    expect(Array.from(ratingsAt({ values, deviations: new Float64Array(6) }, PRIOR, NONE))).toEqual(truth);
  });

  it('are the commonest value in noise as wide as the scale', () => {
    const values = Float64Array.of(-40, 3, 25);
    expect(Array.from(ratingsAt({ values, deviations: new Float64Array(3).fill(1000) }, PRIOR, NONE))).toEqual([4, 4, 4]);
  });
});

describe('membership', () => {
  it('is the share of pairs in the right order, ties counted by half', () => {
    const row = membershipRow([{ members: [0.1, 0.4], others: [0.4, 0.9] }], 1);
    expect(row).toMatchObject({ success: 3.5 / 4, chance: 0.5, trials: 4, interval: [3.5 / 4, 3.5 / 4] });
  });

  it('is nothing without other pairs', () => {
    expect(membershipRow([{ members: [0.1], others: [] }], 1)).toMatchObject({ success: null, interval: null });
  });
});
