import { groupByActivity } from '../../coordinator/evaluation/activity-groups.js';
import { createTally } from '../../coordinator/evaluation/tally.js';
import type { Dataset, Ratings } from '../../data/dataset.js';
import { createMeasure, type MeasureOptions, type UserRatings } from '../../device/actor/measure.js';
import type { GroupScore, Score } from '../../events/evaluation.js';
import type { PartScore } from '../../messages/message.js';
import { createMetricSet } from '../../metrics/metric-set.js';
import type { Model } from '../../models/port/definition.js';

type Measured = { readonly valid: Score; readonly test: Score; readonly groups: readonly GroupScore[] };

export type ModelMeasure = {
  /** Every user's held-out ratings, by the metrics of a run. */
  all(): Promise<Measured>;
  /** The sums of each user, in order. */
  each(visit: (user: number, sums: { readonly valid: PartScore; readonly test: PartScore }) => void): Promise<void>;
};

/** Users whose scores of all items are asked for together. */
const TOGETHER = 64;

const interactionsOf = ({ offsets, items, values }: Ratings, user: number) => {
  const [start, end] = [offsets[user]!, offsets[user + 1]!];
  return { items: items.subarray(start, end), values: values.subarray(start, end) };
};

/** Scores of some items for a user. With `scoreAll`, those of the users that follow come with them. */
const scorerOf = (model: Model, { users, items: count }: Dataset, ranks: boolean) => {
  const { scoreAll } = model;
  const all = ranks && scoreAll !== undefined ? new Float32Array(TOGETHER * count) : null;
  let first = Number.NEGATIVE_INFINITY;
  const rowOf = (user: number): Float32Array | null => {
    if (all === null || scoreAll === undefined) return null;
    if (user < first || user >= first + TOGETHER) {
      const some = Uint32Array.from({ length: Math.min(TOGETHER, users - user) }, (_, index) => user + index);
      scoreAll(some, all.subarray(0, some.length * count));
      first = user;
    }
    return all.subarray((user - first) * count, (user - first + 1) * count);
  };
  return (user: number, items: Uint32Array): Float32Array => {
    const row = rowOf(user);
    const out = new Float32Array(items.length);
    if (row === null) model.scores(user, items, out);
    else for (let i = 0; i < items.length; i++) out[i] = row[items[i]!]!;
    return out;
  };
};

/** Measures a central model as devices are measured: the same metrics over the same candidates, user by user in ascending order. */
export const createModelMeasure = (model: Model, dataset: Dataset, options: MeasureOptions): ModelMeasure => {
  const { users, parts } = dataset;
  const set = createMetricSet(options.metrics);
  const measure = createMeasure(options);
  const groups = groupByActivity(
    Uint32Array.from({ length: users }, (_, user) => parts.train.offsets[user + 1]! - parts.train.offsets[user]!),
  );
  const each: ModelMeasure['each'] = async (visit) => {
    await model.prepare?.();
    const score = scorerOf(model, dataset, set.needsRanking);
    for (let user = 0; user < users; user++) {
      const of = (part: Ratings) => interactionsOf(part, user);
      const ratings: UserRatings = { train: of(parts.train), valid: of(parts.valid), test: of(parts.test), user };
      visit(
        user,
        measure.score(ratings, (items) => score(user, items)),
      );
    }
  };
  return {
    each,
    all: async () => {
      const tally = createTally(set, groups);
      await each((device, sums) => tally.add({ device, ...sums }));
      return tally.read();
    },
  };
};
