import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distinct, random } from '../../../src/base/random.js';
import { createMeasure, type MeasureOptions, type UserRatings } from '../../../src/device/actor/measure.js';
import { createMetricSet } from '../../../src/metrics/metric-set.js';

const ITEMS = 12;
const OPTIONS: MeasureOptions = { seed: 3, items: ITEMS, metrics: ['mse', 'hr@1', 'auc'], candidates: 'all', relevant: 'all' };

const part = (...ratings: readonly (readonly [item: number, rating: number])[]) => ({
  items: Uint32Array.from(ratings, ([item]) => item),
  values: Float32Array.from(ratings, ([, rating]) => rating),
});
const USER: UserRatings = { train: part([0, 5], [3, 1]), valid: part([4, 2], [1, 4]), test: part([7, 3]), user: 9 };

/** The higher an item's number, the higher its score. */
const ascending = (items: Uint32Array): Float32Array => Float32Array.from(items, (item) => item / 4);
const valuesOf = (options: MeasureOptions, ratings: UserRatings, predict = ascending) => {
  const { valid, test } = createMeasure(options).score(ratings, predict);
  const set = createMetricSet(options.metrics);
  return [valid, test].map(({ sums }) => set.values(Float64Array.from(sums)));
};

describe('what a device scores', () => {
  it('are its held-out items alone for rating metrics', () => {
    const measure = createMeasure({ ...OPTIONS, metrics: ['mae'] });
    expect([...measure.items(USER)!]).toEqual([4, 1, 7]);
    const asked: number[][] = [];
    measure.score(USER, (items) => {
      asked.push([...items]);
      return ascending(items);
    });
    expect(asked).toEqual([[4, 1], [7]]);
  });

  it('is every item outside of training, and for the test part outside of validation too', () => {
    expect(createMeasure(OPTIONS).items(USER)).toBeNull();
    // valid: candidates 1 2 4 … 11, relevant 1 and 4; test: without 1 and 4, relevant 7.
    const [valid, test] = valuesOf({ ...OPTIONS, metrics: ['auc'] }, USER);
    // Of the 8 others, item 4 is above item 2 alone, and item 1 above none.
    expect(valid!['auc']).toBeCloseTo(1 / 16, 12);
    // 2 5 6 below 7, 8 9 10 11 above it.
    expect(test!['auc']).toBeCloseTo(3 / 7, 12);
  });

  it('have the role that is asked for, apart from the held-out items', () => {
    const roles = new Uint8Array(new SharedArrayBuffer(ITEMS));
    // 10 is cold in validation, 9 in testing, 5 in both.
    for (const [item, role] of [
      [10, 1],
      [9, 2],
      [5, 3],
    ] as const)
      roles[item] = role;
    const asked = (candidates: 'warm' | 'cold') => {
      const seen: number[][] = [];
      const predict = (items: Uint32Array): Float32Array => {
        seen.push([...items]);
        return ascending(items);
      };
      return valuesOf({ ...OPTIONS, roles, candidates, metrics: ['auc'] }, USER, predict);
    };
    // warm: 2 6 8 11. Item 1 is above none of them, and 4 above 2; for the test part 7 is above 2 and 6.
    expect(asked('warm')[0]!['auc']).toBeCloseTo((0 + 1 / 5) / 2, 12);
    expect(asked('warm')[1]!['auc']).toBeCloseTo(2 / 4, 12);
    // cold: 5 and 10 in validation, 5 and 9 in testing, of which 7 is above 5.
    expect(asked('cold')[0]!['auc']).toBe(0);
    expect(asked('cold')[1]!['auc']).toBe(1 / 2);
  });

  it('are held-out items among drawn ones, which it rated in no part, the same at every call', () => {
    for (const count of [1, 4, 7, 100]) {
      const measure = createMeasure({ ...OPTIONS, candidates: count });
      const unrated = [2, 5, 6, 8, 9, 10, 11];
      const drawn = [...distinct(count, unrated.length, random(OPTIONS.seed, 'candidates', USER.user))].map((index) => unrated[index]!);
      const needed = [...measure.items(USER)!];
      expect(needed.toSorted((a, b) => a - b)).toEqual([1, 4, 7, ...drawn].toSorted((a, b) => a - b));
      expect([...measure.items(USER)!]).toEqual(needed);
      const [valid, test] = valuesOf({ ...OPTIONS, candidates: count, metrics: ['auc'] }, USER);
      const below = (item: number) => drawn.filter((other) => other < item).length;
      expect(valid!['auc']).toBeCloseTo((below(1) + below(4)) / (2 * drawn.length), 12);
      expect(test!['auc']).toBeCloseTo(below(7) / drawn.length, 12);
    }
  });

  it('counts a held-out item as relevant from a rating on; the others stay candidates', () => {
    const at = (relevant: number) => valuesOf({ ...OPTIONS, metrics: ['auc', 'hr@1'], relevant }, USER)[0];
    // Item 1 alone has 4: below all nine others.
    expect(at(4)!['auc']).toBe(0);
    expect(at(5)).toEqual({ auc: null, 'hr@1': null });
    expect(at(2)!['auc']).toBeCloseTo(1 / 16, 12);
  });

  it('is nothing where nothing is held out: sums of zeros, and values that are null', () => {
    const nobody = { ...USER, valid: part(), test: part() };
    const predict = (items: Uint32Array) => (items.length === 0 ? new Float32Array(0) : expect.fail('nothing is to be predicted'));
    const { valid, test } = createMeasure(OPTIONS).score(nobody, predict);
    expect([valid, test]).toEqual([1, 2].map(() => ({ count: 0, sums: [0, 0, 0, 0, 0, 0] })));
    expect(valuesOf(OPTIONS, nobody)[0]).toEqual({ mse: null, 'hr@1': null, auc: null });
  });
});

it('a measurement leaves nothing behind for the next user, even if a prediction fails', () => {
  const measure = createMeasure(OPTIONS);
  expect(() => measure.score(USER, (items) => (items.length > 2 ? expect.fail('no model') : ascending(items)))).toThrow('no model');
  const other: UserRatings = { train: part([5, 1]), valid: part([0, 1]), test: part([11, 1]), user: 2 };
  expect(measure.score(other, ascending)).toEqual(createMeasure(OPTIONS).score(other, ascending));
});

it('ranking agrees with its definition for any ratings and scores', () => {
  const ratings = fc
    .uniqueArray(fc.nat(ITEMS - 1), { minLength: 3, maxLength: ITEMS })
    .chain((items) =>
      fc.tuple(
        fc.constant(items),
        fc.nat(items.length - 1),
        fc.nat(items.length - 1),
        fc.array(fc.nat(5), { minLength: ITEMS, maxLength: ITEMS }),
      ),
    );
  fc.assert(
    fc.property(ratings, ([items, a, b, scores]) => {
      const [first, second] = [Math.min(a, b), Math.max(a, b)];
      const of = (some: readonly number[]) => part(...some.map((item) => [item, 3] as const));
      const user = { train: of(items.slice(0, first)), valid: of(items.slice(first, second)), test: of(items.slice(second)), user: 0 };
      const [valid, test] = valuesOf({ ...OPTIONS, metrics: ['auc'] }, user, (asked) => Float32Array.from(asked, (item) => scores[item]!));
      for (const [found, held, out] of [
        [valid, user.valid, [user.train]],
        [test, user.test, [user.train, user.valid]],
      ] as const) {
        const others = scores.map((_, item) => item).filter((item) => ![...out, held].some((known) => known.items.includes(item)));
        const pairs = [...held.items].flatMap((item) => others.map((other) => Math.sign(scores[item]! - scores[other]!) / 2 + 0.5));
        const expected = pairs.length === 0 ? null : pairs.reduce((sum, share) => sum + share, 0) / pairs.length;
        if (expected === null) expect(found!['auc']).toBeNull();
        else expect(found!['auc']).toBeCloseTo(expected, 12);
      }
    }),
  );
});
