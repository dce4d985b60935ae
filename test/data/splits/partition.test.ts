import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PARTS } from '../../../src/data/dataset.js';
import type { Whole } from '../../../src/data/splits/labels.js';
import { type Partition, partition } from '../../../src/data/splits/partition.js';
import { type SplitOptions, splitSpec } from '../../../src/data/splits/spec.js';
import { evenWhole, wholeOf } from '../../support/data/whole.js';

type Kind = Parameters<typeof splitSpec>[0];

const cut = (whole: Whole, kind: Kind, options: Partial<SplitOptions> = {}, seed = 1): Partition =>
  partition(whole, splitSpec(kind, options), seed, { place: 'a set' });

/** Values of each user's rows in a part: they name the rows of the whole. */
const rowsOf = ({ parts }: Partition, part: (typeof PARTS)[number], user: number): number[] => [
  ...parts[part].values.subarray(parts[part].offsets[user], parts[part].offsets[user + 1]),
];

const everyRow = (found: Partition): number[] => PARTS.flatMap((part) => [...found.parts[part].values]).sort((a, b) => a - b);

describe('leave-last', () => {
  const whole = wholeOf(
    [
      [
        [0, 30],
        [1, 10],
        [2, 20],
        [3, 40],
      ],
      [
        [4, 5],
        [5, 5],
      ],
      [[6, 1]],
    ],
    7,
  );

  it('tests the newest record, validates the one before, and keeps one in training', () => {
    const found = cut(whole, 'leave-last');
    expect(rowsOf(found, 'train', 0)).toEqual([2, 3]);
    expect(rowsOf(found, 'valid', 0)).toEqual([1]);
    expect(rowsOf(found, 'test', 0)).toEqual([4]);
    // Equal times keep the order of the source.
    expect([rowsOf(found, 'train', 1), rowsOf(found, 'test', 1)]).toEqual([[5], [6]]);
    expect([rowsOf(found, 'train', 2), rowsOf(found, 'test', 2)]).toEqual([[7], []]);
    expect(found.notes).toEqual([]);
  });

  it('takes as many as `leave` says, and keeps the times with their rows', () => {
    const found = cut(whole, 'leave-last', { leave: 2 });
    expect([rowsOf(found, 'train', 0), rowsOf(found, 'valid', 0), rowsOf(found, 'test', 0)]).toEqual([[2], [3], [1, 4]]);
    expect([...found.parts.test.times!.subarray(0, 2)]).toEqual([30, 40]);
  });

  it('goes by the order of the source where there are no times, and says so', () => {
    const found = cut(wholeOf([[[3], [1], [2]]], 4), 'leave-last');
    expect([rowsOf(found, 'train', 0), rowsOf(found, 'valid', 0), rowsOf(found, 'test', 0)]).toEqual([[1], [2], [3]]);
    expect(found.notes.join()).toContain('there are no times');
  });
});

describe('a split by time', () => {
  it('cuts all users at one instant, never within it, and leaves out users who come later', () => {
    const whole = wholeOf(
      [
        [
          [0, 1],
          [1, 2],
          [2, 8],
        ],
        [
          [0, 3],
          [1, 4],
          [3, 9],
        ],
        [
          [2, 9],
          [3, 9],
        ],
        [[4, 5], [1]],
      ],
      5,
    );
    const found = cut(whole, 'time', { valid: 0.2, test: 0.2 });
    // Nine known times: the last two would be tested, and the third 9 is of the same instant.
    expect([...(found.users ?? [])]).toEqual([0, 1, 3]);
    expect(rowsOf(found, 'train', 0)).toEqual([1, 2]);
    expect(rowsOf(found, 'valid', 0)).toEqual([3]);
    expect(rowsOf(found, 'test', 1)).toEqual([6]);
    expect(rowsOf(found, 'train', 2)).toEqual([9, 10]);
    expect(found.notes).toEqual([
      'time: validation from 1970-01-01T00:00:08.000Z, test from 1970-01-01T00:00:09.000Z',
      'time: 1 records without a time are in training',
      '1 users without a training record are left out',
    ]);
  });

  it('is refused for a set without times', () => {
    expect(() => cut(evenWhole(2, 3, 9), 'time')).toThrow('a set: expected times of the records (split time), found none');
  });
});

describe('folds', () => {
  it('test every record once, except that of a user with one record', () => {
    const whole = wholeOf(
      [...Array.from({ length: 9 }, (_, user) => Array.from({ length: user + 2 }, (_, i): [number] => [i])), [[0]]],
      12,
    );
    const tested = [0, 1, 2].flatMap((fold) => [...cut(whole, 'folds', { folds: 3, fold }).parts.test.values]);
    expect(tested.sort((a, b) => a - b)).toEqual(Array.from({ length: 54 }, (_, row) => row + 1));
    for (const fold of [0, 1, 2]) {
      const { parts } = cut(whole, 'folds', { folds: 3, fold, valid: 0.4 });
      for (let user = 0; user < 10; user++) expect(parts.train.offsets[user + 1]! - parts.train.offsets[user]!).toBeGreaterThan(0);
      expect(parts.valid.items.length).toBeGreaterThan(0);
    }
  });

  it('beyond the last are refused', () => {
    expect(() => splitSpec('folds', { folds: 3, fold: 3 })).toThrow('splitting.fold: expected a fold from 0 to 2, found 3');
  });
});

describe('cold users', () => {
  const whole = evenWhole(40, 12, 60);

  it('are in no other group, come last, and have their support set in training and their query set in one part', () => {
    const found = cut(whole, 'cold-users', { records: 10, support: 4 });
    const roles = [...found.roles!.users];
    expect(roles).toEqual(roles.toSorted());
    expect([0, 1, 2].map((role) => roles.filter((each) => each === role).length)).toEqual([24, 8, 8]);
    roles.forEach((role, user) => {
      const sizes = PARTS.map((part) => rowsOf(found, part, user).length);
      expect(sizes).toEqual(role === 0 ? [10, 0, 0] : role === 1 ? [4, 6, 0] : [4, 0, 6]);
    });
  });

  it('have records of warm items alone, unless items are cold, too', () => {
    for (const coldItems of [0, 0.25]) {
      const found = cut(whole, 'cold-users', { coldItems });
      const warm = new Set<number>();
      found.roles!.users.forEach((role, user) => {
        const { offsets, items } = found.parts.train;
        if (role === 0) for (const item of items.subarray(offsets[user], offsets[user + 1])) warm.add(item);
      });
      const roles = [...found.roles!.items];
      expect(roles.map((role, item) => (role === 0) === warm.has(item)).every(Boolean)).toBe(true);
      expect(new Set(roles)).toEqual(new Set(coldItems === 0 ? [0] : [0, 3]));
      const wanted = coldItems === 0 ? 0 : 3;
      for (const part of ['valid', 'test'] as const)
        expect([...found.parts[part].items].every((item) => roles[item] === wanted)).toBe(true);
      if (coldItems > 0) expect(roles.filter((role) => role === 3)).toHaveLength(15);
    }
  });

  it('with too few records are left out, and counted', () => {
    const found = cut(wholeOf([...Array.from({ length: 9 }, () => [[0], [1], [2]] as [number][]), [[0]]], 3), 'cold-users', { records: 3 });
    expect(found.users).toHaveLength(9);
    expect(found.notes).toEqual(['cold-users: 1 users with too few records are left out']);
  });
});

describe('cold items', () => {
  it('have no training record: half of them validate, the others are tested', () => {
    const found = cut(evenWhole(40, 12, 60), 'cold-items', { coldItems: 0.3 });
    const roles = [...found.roles!.items];
    expect([0, 1, 2].map((role) => roles.filter((each) => each === role).length)).toEqual([42, 9, 9]);
    PARTS.forEach((part, role) => expect([...found.parts[part].items].every((item) => roles[item] === role)).toBe(true));
    expect(new Set(found.roles!.users)).toEqual(new Set([0]));
  });
});

describe('every split', () => {
  const kinds: readonly [Kind, Partial<SplitOptions>][] = [
    ['random', {}],
    ['leave-last', {}],
    ['folds', { folds: 4 }],
    ['cold-users', {}],
    ['cold-users', { coldItems: 0.2, records: 3 }],
    ['cold-items', {}],
  ];

  it('is the same for the same seed, and has no record twice', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1000 }), fc.constantFrom(...kinds), (seed, [kind, options]) => {
        const whole = evenWhole(20, 9, 30);
        const [first, again] = [cut(whole, kind, options, seed), cut(whole, kind, options, seed)];
        expect(PARTS.map((part) => [...first.parts[part].values])).toEqual(PARTS.map((part) => [...again.parts[part].values]));
        expect(first.roles).toEqual(again.roles);
        const rows = everyRow(first);
        expect(new Set(rows).size).toBe(rows.length);
        if (kind !== 'cold-users') expect(rows).toHaveLength(180);
      }),
      { numRuns: 60 },
    );
  });

  it.each(kinds.filter(([kind]) => kind !== 'leave-last'))('%s %j is another for another seed', (kind, options) => {
    const whole = evenWhole(20, 9, 30);
    expect([...cut(whole, kind, options, 1).parts.train.values]).not.toEqual([...cut(whole, kind, options, 2).parts.train.values]);
  });
});
