import type { Interactions } from '../../algorithms/port/client.js';
import { distinctRows } from '../../algorithms/port/rows.js';
import { distinct, random } from '../../base/random.js';
import type { PartScore } from '../../messages/message.js';
import { createMetricSet } from '../../metrics/metric-set.js';
import type { Scores } from '../../metrics/ranks.js';

/** Items that ranking metrics score with the held-out ones: all that are not known yet, or those of them that training met, or did not. */
export const CANDIDATES = ['all', 'warm', 'cold'] as const;

/** What devices measure. Plain data, which crosses to the hosts' threads. */
export type MeasureOptions = {
  readonly seed: number;
  /** Items of the data. */
  readonly items: number;
  /** Names of metrics. Their sums are sent in this order. */
  readonly metrics: readonly string[];
  /** A number: so many that the device never rated. */
  readonly candidates: (typeof CANDIDATES)[number] | number;
  /** Roles of items (Roles of a dataset). Absent: all are warm. */
  readonly roles?: Uint8Array<SharedArrayBuffer>;
  /** Rating from which a held-out item is relevant. */
  readonly relevant: 'all' | number;
  /** The scale that predicted ratings are clipped to before rating metrics see them. Absent: they are taken as they are. */
  readonly clip?: { readonly lowest: number; readonly highest: number };
};

/** One user's ratings. `user` is the key of the drawn candidates. */
export type UserRatings = Readonly<Record<'train' | 'valid' | 'test', Interactions>> & { readonly user: number };

/** Predicted ratings, one for each item. The items are ascending, or in the order in which they are held out. */
export type Predict = (items: Uint32Array) => Scores;

export type Measure = {
  /** Items whose rows a model must have. null: all items. */
  readonly items: (ratings: UserRatings) => Uint32Array | null;
  /** The sums of both held-out parts. */
  readonly score: (ratings: UserRatings, predict: Predict) => { readonly valid: PartScore; readonly test: PartScore };
};

const HELD_OUT = ['valid', 'test'] as const;
type HeldOut = (typeof HELD_OUT)[number];

/** What an item is to a user, as bits of a mark. */
const TRAIN = 1;
const IN = { valid: 2, test: 4 } as const;
const RELEVANT = { valid: 8, test: 16 } as const;
/** Bits of the role of an item. */
const COLD = { valid: 1, test: 2 } as const;

const joined = (...lists: readonly Uint32Array[]): Uint32Array => {
  const all = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all;
};

const hasRole = (wanted: (typeof CANDIDATES)[number], role: number, part: HeldOut): boolean =>
  wanted === 'all' || (wanted === 'warm' ? role === 0 : (role & COLD[part]) !== 0);

/** `count` items that the user rated in no part, the same at every call. The r-th unrated item is found between the rated ones. */
const drawUnrated = ({ train, valid, test, user }: UserRatings, count: number, items: number, seed: number): Uint32Array => {
  const rated = distinctRows(joined(train.items, valid.items, test.items));
  const drawn = distinct(count, items - rated.length, random(seed, 'candidates', user)).sort();
  let passed = 0;
  for (let i = 0; i < drawn.length; i++) {
    while (passed < rated.length && rated[passed]! <= drawn[i]! + passed) passed += 1;
    drawn[i]! += passed;
  }
  return drawn;
};

/**
 * The device's side of a measurement: the sums of a metric set over a user's held-out ratings, one set of sums for each part.
 *
 * With `all`, the candidates of a ranking metric are the items outside of the training part.
 * For the test part they are also outside of the validation part. With `warm` or `cold`, they have this role, too.
 * With a number, they are the part's held-out items and drawn ones.
 * Candidates are ascending, and a held-out item is always one.
 * @throws MetafleetError CONFIG for unknown metrics.
 */
export const createMeasure = ({ seed, items: count, metrics, candidates, relevant, roles, clip }: MeasureOptions): Measure => {
  const clipped = (scores: Scores): Scores =>
    clip === undefined ? scores : scores.map((score: number) => Math.min(Math.max(score, clip.lowest), clip.highest));
  const set = createMetricSet(metrics, 'key evaluation.metrics');
  /** By item. All are zero between calls. */
  const marks = new Uint8Array(set.needsRanking ? count : 0);

  const drawn = (ratings: UserRatings): Uint32Array =>
    typeof candidates === 'number' ? drawUnrated(ratings, candidates, count, seed) : new Uint32Array(0);

  const mark = (ratings: UserRatings): void => {
    for (const item of ratings.train.items) marks[item]! |= TRAIN;
    for (const part of HELD_OUT) {
      const { items, values } = ratings[part];
      for (let i = 0; i < items.length; i++)
        marks[items[i]!]! |= IN[part] | (relevant === 'all' || values[i]! >= relevant ? RELEVANT[part] : 0);
    }
  };
  const clear = (ratings: UserRatings): void => {
    for (const part of ['train', ...HELD_OUT] as const) for (const item of ratings[part].items) marks[item] = 0;
  };

  /** Candidates of both parts, ascending. */
  const scored = (ratings: UserRatings): Uint32Array => {
    if (typeof candidates === 'number') return distinctRows(joined(drawn(ratings), ratings.valid.items, ratings.test.items));
    const all = new Uint32Array(count);
    let size = 0;
    for (let item = 0; item < count; item++) if (marks[item] !== TRAIN) all[size++] = item;
    return all.subarray(0, size);
  };

  const isCandidate = (item: number, known: number, part: HeldOut): boolean => {
    if ((known & IN[part]) !== 0) return true;
    if (part === 'test' && (known & IN.valid) !== 0) return false;
    return typeof candidates === 'number' ? (known & (IN.valid | IN.test)) === 0 : hasRole(candidates, roles?.[item] ?? 0, part);
  };

  const rank = (ratings: UserRatings, predict: Predict, sums: Readonly<Record<HeldOut, Float64Array>>): void => {
    const items = scored(ratings);
    const scores = predict(items);
    for (const part of HELD_OUT) {
      if (ratings[part].items.length === 0) continue;
      const chosen = new Float64Array(items.length);
      const isRelevant = new Uint8Array(items.length);
      let size = 0;
      for (let i = 0; i < items.length; i++) {
        const known = marks[items[i]!]!;
        if (!isCandidate(items[i]!, known, part)) continue;
        chosen[size] = scores[i]!;
        isRelevant[size++] = known & RELEVANT[part];
      }
      set.add(sums[part], chosen.subarray(0, size), { task: 'ranking', relevant: isRelevant.subarray(0, size) });
    }
  };

  return {
    items: (ratings) => {
      if (!set.needsRanking) return joined(ratings.valid.items, ratings.test.items);
      return typeof candidates !== 'number' ? null : joined(ratings.valid.items, ratings.test.items, drawn(ratings));
    },
    score: (ratings, predict) => {
      const sums = { valid: new Float64Array(set.size), test: new Float64Array(set.size) };
      if (set.needsRating)
        for (const part of HELD_OUT) {
          const { items, values } = ratings[part];
          set.add(sums[part], clipped(predict(items)), { task: 'rating', values });
        }
      if (set.needsRanking && ratings.valid.items.length + ratings.test.items.length > 0) {
        mark(ratings);
        try {
          rank(ratings, predict, sums);
        } finally {
          clear(ratings);
        }
      }
      const of = (part: HeldOut): PartScore => ({ count: ratings[part].items.length, sums: Array.from(sums[part]) });
      return { valid: of('valid'), test: of('test') };
    },
  };
};
