import type { Dataset, Part, Ratings } from '../../data/dataset.js';
import { createMetricSet } from '../../metrics/metric-set.js';
import { spreadOf } from '../statistics.js';

/**
 * `cold20`: users without a part in training have a support set, and a query set of the same size. A system learns from warm users,
 * sees the support set of a cold user, and ranks all candidates. Candidates are all cold items of a split that has some (C-C), else all
 * warm items (C-W), without the support set. Each item occurs once. Ties count as the mean over their orders, and NaN is last.
 */

/** Writes the score of each candidate of a cold user: out[i] is that of candidates[i]. It knows nothing of the query set. */
export type Scorer = (user: number, support: Uint32Array, candidates: Uint32Array, out: Float64Array) => void;

const CUTOFFS = [5, 10, 20] as const;
const METRICS: readonly string[] = ['ndcg', 'recall', 'hr'].flatMap((family) => CUTOFFS.map((k) => `${family}@${k}`));

/** Mean over users, and its standard error. Null where no user, or only one, was measured. */
export type Estimate = { readonly mean: number | null; readonly error: number | null };
export type ColdMeasure = { readonly users: number; readonly metrics: Readonly<Record<string, Estimate>> };

const HELD = { valid: 1, test: 2 } as const;

const rowsOf = ({ offsets, items }: Ratings, user: number): Uint32Array => items.subarray(offsets[user]!, offsets[user + 1]!);

/** Records of warm users, (warm + 1) offsets: all that a central system may learn from. Support sets are not among them. */
export const warmRecords = ({ roles, users, parts: { train } }: Dataset): Ratings => {
  const warm = roles === undefined ? users : roles.users.filter((role) => role === 0).length;
  const end = train.offsets[warm]!;
  return { offsets: train.offsets.subarray(0, warm + 1), items: train.items.subarray(0, end), values: train.values.subarray(0, end) };
};

/** Items that cold users choose among, ascending. */
export const itemPool = ({ roles, items }: Dataset): Uint32Array => {
  const all = Uint32Array.from({ length: items }, (_, item) => item);
  if (roles === undefined) return all;
  const cold = all.filter((item) => roles.items[item] !== 0);
  return cold.length > 0 ? cold : all;
};

const estimate = (values: readonly number[]): Estimate => {
  if (values.length === 0) return { mean: null, error: null };
  const { mean, deviation, count } = spreadOf(values);
  return { mean, error: deviation === null ? null : deviation / Math.sqrt(count) };
};

/** Measures a system on the cold users of a part: NDCG, recall and hit rate at 5, 10 and 20. */
export const measureCold = (dataset: Dataset, part: 'valid' | 'test', scorer: Scorer): ColdMeasure => {
  const set = createMetricSet(METRICS);
  const pool = itemPool(dataset);
  const query: Ratings = dataset.parts[part satisfies Part];
  const values: Record<string, number[]> = Object.fromEntries(METRICS.map((name) => [name, []]));
  let users = 0;
  for (let user = 0; user < dataset.users; user++) {
    if (dataset.roles?.users[user] !== HELD[part]) continue;
    const support = rowsOf(dataset.parts.train, user);
    const known = new Set(support);
    const candidates = pool.filter((item) => !known.has(item));
    const wanted = new Set(rowsOf(query, user));
    const scores = new Float64Array(candidates.length);
    scorer(user, support, candidates, scores);
    const sums = new Float64Array(set.size);
    set.add(sums, scores, { task: 'ranking', relevant: Uint8Array.from(candidates, (item) => Number(wanted.has(item))) });
    users += 1;
    for (const [name, value] of Object.entries(set.values(sums))) if (value !== null) values[name]!.push(value);
  }
  return { users, metrics: Object.fromEntries(METRICS.map((name) => [name, estimate(values[name]!)])) };
};
