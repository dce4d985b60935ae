import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random, shuffle } from '../../src/base/random.js';
import { createMetricSet } from '../../src/metrics/metric-set.js';
import { type Candidate, DEFINITIONS, expected } from './naive.js';

const CUTOFFS = [1, 2, 3, 5, 9];
const nameOf = (family: string, k: number): string => (['mrr', 'auc'].includes(family) ? family : `${family}@${k}`);
const NAMES = Array.from(new Set(Object.keys(DEFINITIONS).flatMap((family) => CUTOFFS.map((k) => nameOf(family, k)))));

/** What metrics say of users, each a list of candidates. */
const measured = (names: readonly string[], ...users: readonly (readonly Candidate[])[]): Readonly<Record<string, number | null>> => {
  const set = createMetricSet(names);
  const sums = new Float64Array(set.size);
  for (const user of users) {
    const relevant = Uint8Array.from(user, (candidate) => (candidate.relevant ? 1 : 0));
    set.add(
      sums,
      Float64Array.from(user, ({ score }) => score),
      { task: 'ranking', relevant },
    );
  }
  return set.values(sums);
};

const candidates = (scores: readonly number[], relevant: readonly (boolean | number)[]): readonly Candidate[] =>
  scores.map((score, index) => ({ score, relevant: Boolean(relevant[index]) }));

const score = fc.constantFrom(-1, -0, 0, 0.5, 2, Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
const candidate = fc.record({ score, relevant: fc.boolean() });
const both = (user: readonly Candidate[]): boolean => new Set(user.map(({ relevant }) => relevant)).size === 2;
const user = fc.array(candidate, { minLength: 2, maxLength: 6 }).filter(both);

describe('a ranking metric', () => {
  it.each(Object.entries(DEFINITIONS))('%s is the mean of its definition over all orders of tied candidates', (family, definition) => {
    fc.assert(
      fc.property(user, fc.constantFrom(...CUTOFFS), (each, k) => {
        const name = nameOf(family, k);
        expect(measured([name], each)[name]).toBeCloseTo(expected(definition, each, k), 12);
      }),
      { seed: 16, numRuns: 150 },
    );
  });

  it('does not depend on the order in which candidates are listed', () => {
    fc.assert(
      fc.property(fc.array(candidate, { maxLength: 40 }), fc.integer(), (each, seed) => {
        const order = shuffle(Array.from(each.keys()), random(seed, 'order'));
        expect(
          measured(
            NAMES,
            order.map((index) => each[index]!),
          ),
        ).toEqual(measured(NAMES, each));
      }),
      { seed: 16 },
    );
  });

  it('is the mean over users', () => {
    fc.assert(
      fc.property(fc.array(user, { minLength: 1, maxLength: 5 }), (users) => {
        const [all, alone] = [measured(NAMES, ...users), users.map((each) => measured(NAMES, each))];
        for (const name of NAMES) expect(all[name]).toBeCloseTo(alone.reduce((sum, values) => sum + values[name]!, 0) / users.length, 12);
      }),
      { seed: 16 },
    );
  });

  it('leaves out users that cannot be measured: without a relevant candidate, and for AUC without another', () => {
    const none = candidates([3, 2, 1], [0, 0, 0]);
    const all = candidates([3, 2, 1], [1, 1, 1]);
    const good = candidates([3, 2, 1], [0, 1, 0]);
    expect(measured(['mrr', 'auc', 'hr@1'], none, [])).toEqual({ mrr: null, auc: null, 'hr@1': null });
    expect(measured(['mrr', 'auc', 'hr@1'], all)).toEqual({ mrr: 1, auc: null, 'hr@1': 1 });
    expect(measured(['mrr', 'auc', 'hr@1'], none, all, good)).toEqual({ mrr: 0.75, auc: 0.5, 'hr@1': 0.5 });
  });

  it('gives an oracle 1 to the bit, tied or not, if k leaves room for all relevant candidates', () => {
    const relevant = Array.from({ length: 500 }, (_, i) => i < 37);
    const flat = relevant.map(Number);
    const strict = relevant.map((hit, i) => (hit ? 1000 - i : -i));
    const mixed = relevant.map((hit, i) => (hit ? 1 + (i % 5) : 0));
    const names = ['mrr', 'auc', 'hr@1', 'precision@37', 'recall@37', 'recall@900', 'ndcg@5', 'ndcg@37', 'ndcg@900'];
    for (const scores of [flat, strict, mixed])
      expect(measured(names, candidates(scores, relevant))).toEqual(Object.fromEntries(names.map((name) => [name, 1])));
  });

  it('gives a scorer of constants what a random order has on average', () => {
    const relevant = [1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    const names = ['mrr', 'auc', 'hr@4', 'precision@4', 'recall@4', 'ndcg@4'];
    const constant = measured(names, candidates(Array(20).fill(2.5), relevant));
    const closed = { auc: 0.5, 'precision@4': 3 / 20, 'recall@4': 4 / 20, 'hr@4': 1 - (16 * 15 * 14) / (20 * 19 * 18) };
    for (const [name, value] of Object.entries(closed)) expect(constant[name]).toBeCloseTo(value, 12);
    const source = random(16, 'orders');
    const orders = Array.from({ length: 20_000 }, () => candidates(shuffle(Array.from(relevant.keys()), source), relevant));
    const ordered = measured(names, ...orders);
    for (const name of names) expect(Math.abs(ordered[name]! - constant[name]!)).toBeLessThan(0.01);
  });

  it('ranks NaN last, below −Infinity, and ties it with NaN alone', () => {
    const scores = [Number.NaN, Number.NEGATIVE_INFINITY, Number.NaN, 1];
    expect(measured(['mrr'], candidates(scores, [0, 1, 0, 0]))['mrr']).toBe(1 / 2);
    expect(measured(['mrr', 'auc'], candidates(scores, [1, 0, 0, 0]))).toEqual({ mrr: (1 / 3 + 1 / 4) / 2, auc: 0.5 / 3 });
  });

  it('divides recall by all relevant candidates and precision by k, however many there are', () => {
    const each = candidates([3, 2, 1], [1, 1, 1]);
    expect(measured(['recall@2', 'precision@2', 'precision@5'], each)).toEqual({
      'recall@2': 2 / 3,
      'precision@2': 1,
      'precision@5': 3 / 5,
    });
  });

  it('stays within 0 and 1 over thousands of candidates, most of them tied', () => {
    const source = random(16, 'many');
    for (const levels of [1, 2, 50]) {
      const many = Array.from({ length: 5000 }, () => ({ score: source.integer(levels), relevant: source.uniform() < 0.3 }));
      for (const value of Object.values(measured([...NAMES, 'ndcg@4000', 'hr@4000'], many))) {
        expect(value).toBeGreaterThan(0);
        expect(value).toBeLessThanOrEqual(1);
      }
    }
  });
});

type Fixture = { scores: number[]; relevant: number[]; auc: number; ndcg: Readonly<Record<string, number>> };
const fixtures = JSON.parse(readFileSync(path.join(import.meta.dirname, 'fixtures/scikit-learn.json'), 'utf8')) as Fixture[];

describe('scikit-learn', () => {
  it.each(fixtures)('has the same AUC and NDCG, ties included: case %#', ({ scores, relevant, auc, ndcg }) => {
    const names = ['auc', ...Object.keys(ndcg).map((k) => `ndcg@${k}`)];
    const found = measured(names, candidates(scores, relevant));
    expect(found['auc']).toBeCloseTo(auc, 12);
    for (const [k, value] of Object.entries(ndcg)) expect(found[`ndcg@${k}`]).toBeCloseTo(value, 12);
  });
});
