import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClientUpdate } from '../../../src/algorithms/port/server.js';
import { deviceId } from '../../../src/base/units.js';
import { SMALL_ITEMS, SMALL_UP, smallUpdates } from '../../../src/conformance/small-updates.js';
import { AGGREGATOR } from '../../../src/coordinator/aggregation/registry.js';
import { builtIn } from '../../../src/definitions/kind.js';
import { elements } from '../../../src/messages/wire-tensor.js';

const combine = (name: string, options: object, updates: readonly ClientUpdate[]) => {
  const definition = builtIn(AGGREGATOR, name);
  const context = { wire: { down: SMALL_UP, up: SMALL_UP }, items: SMALL_ITEMS };
  return definition.create(definition.options.parse(options), context).combine(updates);
};
const sumOf = (name: string, options: object, updates: readonly ClientUpdate[]) => {
  const combined = combine(name, options, updates);
  if (combined.kind !== 'sum') throw new Error(`${name} left updates`);
  return combined.sum;
};
const keptBy = (name: string, options: object, updates: readonly ClientUpdate[]): readonly ClientUpdate[] => {
  const combined = combine(name, options, updates);
  if (combined.kind !== 'updates') throw new Error(`${name} left a sum`);
  return combined.updates;
};

const row = (count: number, value: number): Float32Array => new Float32Array(count).fill(value);

/** An update without the row of an item. */
const without = (update: ClientUpdate, item: number): ClientUpdate => {
  const keep = [...update.rows.keys()].filter((at) => update.rows[at] !== item);
  const tensors = update.tensors.map((values, index) => {
    const width = elements(SMALL_UP[index]!.shape);
    return SMALL_UP[index]!.perRow ? Float32Array.from(keep.flatMap((at) => [...values.slice(at * width, (at + 1) * width)])) : values;
  });
  return { ...update, rows: update.rows.filter((_, at) => keep.includes(at)), tensors };
};

/** The median norm of an update's rows, over both tensors with rows. */
const naiveRowNorm = ({ rows, tensors }: ClientUpdate): number =>
  naiveMedian([...rows.keys()].map((at) => Math.hypot(...tensors[0]!.slice(3 * at, 3 * at + 3), tensors[1]![at]!)));

/** Every coordinate that is left, with the values of the updates that have it and the weight it stands for. */
const coordinates = (name: string, options: object, updates: readonly ClientUpdate[]) => {
  const { tensors, rowWeights, weight } = sumOf(name, options, updates);
  return SMALL_UP.flatMap(({ perRow, shape }, index) => {
    const width = elements(shape);
    return Array.from(tensors[index]!, (left, place) => {
      const item = Math.floor(place / width);
      const having = updates.filter(({ rows }) => !perRow || rows.includes(item));
      const values = having.map(({ rows, tensors: own }) => own[index]![perRow ? rows.indexOf(item) * width + (place % width) : place]!);
      const weighs = having.reduce((sum, { count }) => sum + count, 0);
      expect(perRow ? rowWeights[item] : weight).toBe(weighs);
      return { left, values, weighs };
    });
  });
};

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const naiveMedian = (values: readonly number[]): number => {
  const [low, high] = [Math.floor((values.length - 1) / 2), Math.ceil((values.length - 1) / 2)];
  return mean([sorted(values)[low]!, sorted(values)[high]!]);
};
const naiveTrimmed = (values: readonly number[], share: number): number => {
  let rest = sorted(values);
  for (let cut = 0; cut < share * values.length - 1e-9 && rest.length > 2; cut++) rest = rest.slice(1, -1);
  return mean(rest);
};

describe.each([
  ['median', { rowClip: 0 }, naiveMedian],
  ['trimmed-mean', { share: 0.2, rowClip: 0 }, (values: readonly number[]) => naiveTrimmed(values, 0.2)],
  ['trimmed-mean', { share: 0.1, rowClip: 0 }, (values: readonly number[]) => naiveTrimmed(values, 0.1)],
  ['trimmed-mean', { share: 0, rowClip: 0 }, mean],
] as const)('%s %j', (name, options, naive) => {
  it('is the naive one of each coordinate of the updates that have it, times their weight; 0 where none has it', () => {
    for (const count of [1, 2, 3, 10, 30]) {
      for (const { left, values, weighs } of coordinates(name, options, smallUpdates(count, count)))
        expect(left).toBeCloseTo(values.length === 0 ? 0 : weighs * naive(values), 3);
    }
  });
});

describe.each([
  ['median', { rowClip: 0 }, 0.499],
  ['trimmed-mean', { share: 0.3, rowClip: 0 }, 0.3],
] as const)('%s under attack', (name, options, share) => {
  it('stays within the honest values wherever at most that share of the values is an attacker’s', () => {
    const huge = fc.constantFrom(-1e30, -1000, 0, 1000, 1e30);
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 20 }), fc.nat(1000), fc.nat(6), huge, (count, seed, attackers, value) => {
        const honest = smallUpdates(count, seed);
        const updates = honest.map((update, at) =>
          at < attackers ? { ...update, tensors: update.tensors.map((values) => values.map(() => value)) } : update,
        );
        const [before, after] = [coordinates(name, options, honest), coordinates(name, options, updates)];
        let judged = 0;
        after.forEach(({ left, values, weighs }, at) => {
          const own = before[at]!.values.filter((number, place) => number === values[place]);
          if (values.length - own.length > share * values.length || own.length === 0) return;
          judged += 1;
          expect(left / weighs).toBeGreaterThanOrEqual(Math.min(...own) - 1e-4);
          expect(left / weighs).toBeLessThanOrEqual(Math.max(...own) + 1e-4);
        });
        expect(attackers > 0 || judged > 0).toBe(true);
      }),
      { numRuns: 60, seed: 7 },
    );
  });
});

describe.each([
  ['median', {}],
  ['trimmed-mean', { share: 0.3 }],
] as const)('%s of rows that attackers alone have', (name, options) => {
  it('is at most rowClip times as long as usual rows are', () => {
    const honest = smallUpdates(9, 3).map((update) => without(update, 0));
    const attacker = {
      ...smallUpdates(1, 4)[0]!,
      device: deviceId(99),
      rows: Uint32Array.of(0),
      tensors: [row(3, 1e6), row(1, 1e6), row(4, 0)],
    };
    const { tensors, rowWeights } = sumOf(name, { ...options, rowClip: 2 }, [...honest, attacker]);
    const left = [...tensors[0]!.subarray(0, 3), tensors[1]![0]!].map((value) => value / rowWeights[0]!);
    const usual = naiveMedian([...honest.map(naiveRowNorm), Math.hypot(1e6, 1e6, 1e6, 1e6)]);
    expect(Math.hypot(...left)).toBeCloseTo(2 * usual, 3);
  });
});

/** Numbers of an update by where they belong: rows that it lacks are zero. */
const flat = ({ rows, tensors }: ClientUpdate): readonly number[] =>
  SMALL_UP.flatMap(({ perRow, shape }, index) => {
    if (!perRow) return Array.from(tensors[index]!);
    const width = elements(shape);
    return Array.from({ length: SMALL_ITEMS * width }, (_, place) => {
      const at = rows.indexOf(Math.floor(place / width));
      return at < 0 ? 0 : tensors[index]![at * width + (place % width)]!;
    });
  });

const naiveScores = (updates: readonly ClientUpdate[], attackers: number): readonly number[] => {
  const points = updates.map(flat);
  return points.map((point, i) => {
    const others = points.flatMap((other, j) => (i === j ? [] : [other.reduce((sum, value, e) => sum + (value - point[e]!) ** 2, 0)]));
    return sorted(others)
      .slice(0, Math.max(1, updates.length - attackers - 2))
      .reduce((sum, distance) => sum + distance, 0);
  });
};
const bestOf = (updates: readonly ClientUpdate[], attackers: number, keep: number): readonly ClientUpdate[] => {
  const scores = naiveScores(updates, attackers);
  const least = sorted(scores)[Math.min(keep, updates.length) - 1]!;
  return updates.filter((_, at) => scores[at]! <= least);
};

describe('Krum', () => {
  it('keeps the update of the least naive score; multi-Krum the `keep` best, in the order of devices', () => {
    for (const seed of [1, 2, 3, 4]) {
      const updates = smallUpdates(12, seed);
      expect(keptBy('krum', { byzantine: 3 }, updates)).toEqual(bestOf(updates, 3, 1));
      expect(keptBy('krum', { byzantine: 0.25 }, updates)).toEqual(bestOf(updates, 3, 1));
      expect(keptBy('multi-krum', { byzantine: 3, keep: 5 }, updates)).toEqual(bestOf(updates, 3, 5));
      expect(keptBy('multi-krum', { byzantine: 3 }, updates)).toEqual(bestOf(updates, 3, 9));
    }
  });

  it('keeps no attacker as long as 2f + 2 < n', () => {
    const updates = smallUpdates(11, 5).map((update, at) =>
      at % 3 === 1 ? { ...update, tensors: update.tensors.map((values) => values.map((value) => -1000 * value)) } : update,
    );
    const attackers = new Set(updates.filter((_, at) => at % 3 === 1).map(({ device }) => device));
    expect(attackers.size).toBe(4);
    for (const name of ['krum', 'multi-krum'])
      expect(keptBy(name, { byzantine: 4 }, updates).some(({ device }) => attackers.has(device))).toBe(false);
  });

  it('takes the lowest device of those that score alike, and whatever there is of fewer than it keeps', () => {
    const [one] = smallUpdates(1, 6);
    const alike = smallUpdates(5, 6).map(({ device }) => ({ ...one!, device }));
    expect(keptBy('krum', {}, alike)).toEqual(alike.slice(0, 1));
    expect(keptBy('multi-krum', { keep: 9 }, alike)).toEqual(alike);
    expect(keptBy('krum', { byzantine: 7 }, alike.slice(0, 1))).toEqual(alike.slice(0, 1));
  });
});

const normOf = (update: ClientUpdate): number => Math.hypot(...flat(update));

describe('norm clipping', () => {
  it('scales updates longer than the bound down to it, and leaves the others as they are', () => {
    const updates = smallUpdates(9, 7);
    const bound = naiveMedian(updates.map(normOf));
    for (const options of [{}, { multiple: 0, bound }, { multiple: 3, bound }]) {
      keptBy('norm-clip', options, updates).forEach((found, at) => {
        const before = updates[at]!;
        if (normOf(before) <= bound) expect(found).toBe(before);
        const factor = Math.min(1, bound / normOf(before));
        flat(found).forEach((value, place) => expect(value).toBeCloseTo(factor * flat(before)[place]!, 5));
      });
    }
  });

  it('leaves everything as it is where neither bound is set', () => {
    const updates = smallUpdates(4, 8);
    expect(keptBy('norm-clip', { multiple: 0 }, updates)).toEqual(updates);
  });
});
