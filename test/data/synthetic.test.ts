import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset.js';
import { PARTS } from '../../src/data/dataset.js';
import { describeDataset } from '../../src/data/describe.js';
import { activityOf, aliasTable, synthesize } from '../../src/data/synthetic.js';
import { parseSynthetic, syntheticOptions } from '../../src/data/synthetic-options.js';
import { load, messageFrom, sizes } from '../support/data/data-files.js';

const variance = (values: Float32Array): number => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
};

const itemsOf = (dataset: Dataset, user: number): number[] =>
  PARTS.flatMap((part) => {
    const { offsets, items } = dataset.parts[part];
    return [...items.subarray(offsets[user], offsets[user + 1])];
  });

describe('a synthetic set', () => {
  it('has exactly the users, items and ratings asked for, distinct items per user and a training rating each', () => {
    const shape = fc.record({
      users: fc.integer({ min: 1, max: 40 }),
      items: fc.integer({ min: 1, max: 60 }),
      fill: fc.double({ min: 0, max: 1, noNaN: true }),
      activity: fc.double({ min: 0, max: 4, noNaN: true }),
      popularity: fc.double({ min: 0, max: 4, noNaN: true }),
    });
    fc.assert(
      fc.property(shape, fc.nat(), ({ users, items, fill, activity, popularity }, seed) => {
        const ratings = users + Math.floor(fill * users * (items - 1));
        const dataset = synthesize(syntheticOptions({ users, items, ratings, activity, popularity }), seed);
        expect(sizes(dataset).reduce((a, b) => a + b)).toBe(ratings);
        for (let user = 0; user < users; user++) {
          const rated = itemsOf(dataset, user);
          expect(new Set(rated).size).toBe(rated.length);
          expect(rated.every((item) => item < items)).toBe(true);
          expect(dataset.parts.train.offsets[user + 1]! - dataset.parts.train.offsets[user]!).toBeGreaterThan(0);
        }
        const { lowest, highest } = dataset.scale;
        for (const part of PARTS) for (const value of dataset.parts[part].values) expect(value >= lowest && value <= highest).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('is the same for the same seed and another for another', async () => {
    const source = 'synthetic:users=50,items=40,ratings=600';
    const values = async (seed: number) => Buffer.from((await load(source, { seed })).parts.train.values.buffer).toString('hex');
    expect(await values(1)).toBe(await values(1));
    expect(await values(1)).not.toBe(await values(2));
  });

  it('knows the best possible error: what is left when all that was planted is noise, bar sampling', async () => {
    const dataset = await load('synthetic:users=2000,items=300,ratings=100000,taste=0,userBias=0,itemBias=0,noise=0.7');
    expect(variance(dataset.parts.test.values)).toBeCloseTo(dataset.bestMse!, 2);
    expect(dataset.bestMse).toBeCloseTo(0.49, 1);
    const silent = await load('synthetic:users=100,items=50,noise=0');
    expect(silent.bestMse).toBe(0);
  });

  it('has the variance that its parts add up to', async () => {
    const options = 'taste=0.6,userBias=0.4,itemBias=0.3,noise=0.5,popularity=0,rank=8';
    const dataset = await load(`synthetic:users=5000,items=2000,ratings=200000,${options}`);
    expect(variance(dataset.parts.train.values)).toBeCloseTo(0.36 + 0.16 + 0.09 + 0.25, 1);
  });

  it('has activity and popularity of the exponents asked for', async () => {
    const flat = describeDataset(await load('synthetic:users=1000,items=1000,ratings=20000,activity=0,popularity=0'));
    expect([flat.perUser.min, flat.perUser.max]).toEqual([20, 20]);
    expect(flat.perItem.max).toBeLessThan(60);
    const steep = describeDataset(await load('synthetic:users=1000,items=1000,ratings=20000,activity=0.8,popularity=1'));
    expect(steep.perUser.max / steep.perUser.median).toBeGreaterThan(8);
    expect(steep.perItem.max).toBeGreaterThan(600);
  });

  it('does not let popular items favour a part', async () => {
    const { parts, items } = await load('synthetic:users=3000,items=200,ratings=90000,popularity=1.2');
    const counts = (part: 'train' | 'test') => {
      const times = new Uint32Array(items);
      for (const item of parts[part].items) times[item]!++;
      return times;
    };
    const [train, test] = [counts('train'), counts('test')];
    const top = train.indexOf(train.reduce((a, b) => Math.max(a, b)));
    expect(test[top]! / parts.test.items.length).toBeCloseTo(train[top]! / parts.train.items.length, 2);
  });

  it('draws in proportion to weights', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.01, max: 10, noNaN: true }), { minLength: 1, maxLength: 30 }), (weights) => {
        const { keep, other } = aliasTable(Float64Array.from(weights));
        const drawn = weights.map(() => 0);
        keep.forEach((share, column) => {
          drawn[column]! += share / weights.length;
          drawn[other[column]!]! += (1 - share) / weights.length;
        });
        const total = weights.reduce((a, b) => a + b);
        drawn.forEach((share, item) => {
          expect(share).toBeCloseTo(weights[item]! / total, 9);
        });
      }),
    );
  });

  it('shares ratings out exactly even when most users are at the cap', () => {
    const options = syntheticOptions({ users: 500, items: 10, ratings: 4_990, activity: 2 });
    const counts = activityOf(options, 1);
    expect(counts.reduce((a, b) => a + b)).toBe(4_990);
    expect(counts.every((count) => count >= 1 && count <= 10)).toBe(true);
  });
});

describe('the options of a synthetic set', () => {
  it('have defaults', () => {
    expect(parseSynthetic('synthetic:')).toMatchObject({ users: 1000, items: 500, ratings: 20_000, rank: 8 });
    expect(parseSynthetic('synthetic:users=3,items=2')).toMatchObject({ ratings: 6 });
    expect(parseSynthetic('synthetic: users = 3 , noise=1e-1')).toMatchObject({ users: 3, noise: 0.1 });
  });

  const bad: [source: string, complaint: string][] = [
    ['synthetic:user=3', 'synthetic:user=3: expected keys among users, items, ratings, '],
    ['synthetic:toString=3', 'expected keys among'],
    ['synthetic:users', 'expected users=<number>, found "users"'],
    ['synthetic:users=', 'expected users=<number>'],
    ['synthetic:users=many', 'expected users=<number>, found "users=many"'],
    ['synthetic:users=3=4', 'expected users=<number>'],
    ['synthetic:users=3,users=4', 'expected one users, found two'],
    ['synthetic:users=0', 'synthetic users: expected an integer from 1 to 2147483647, found 0'],
    ['synthetic:users=2.5', 'synthetic users: expected an integer'],
    ['synthetic:users=2147483648', 'synthetic users: expected an integer from 1 to 2147483647'],
    ['synthetic:items=1e99', 'synthetic items: expected an integer'],
    ['synthetic:noise=-1', 'synthetic noise: expected a number from 0 to 1000, found -1'],
    ['synthetic:noise=Infinity', 'synthetic noise: expected a number'],
    ['synthetic:users=10,items=10,ratings=101', 'synthetic ratings: expected at most users × items (100), found 101'],
    ['synthetic:users=10,items=10,ratings=9', 'synthetic ratings: expected at least one per user (10), found 9'],
  ];
  for (const [source, complaint] of bad) {
    it(`refuse ${source}`, async () => {
      expect(await messageFrom(load(source))).toContain(complaint);
    });
  }

  it('have no given split', async () => {
    expect(await messageFrom(load('synthetic:', { split: 'given' }))).toContain('a given split');
  });
});
