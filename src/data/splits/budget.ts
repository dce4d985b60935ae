import { random, shuffle } from '../../base/random.js';
import type { Dataset, Ratings } from '../dataset.js';
import { allocateRatings } from './split.js';

/**
 * The same set with a share of each user's training ratings, at least one of them, in their old order.
 * This is the data budget β of Müllner et al. (ECIR 2021). Which ratings stay depends on (seed, user) alone.
 * A smaller share is part of a larger one. Validation and test ratings stay as they are.
 */
export const withBudget = (dataset: Dataset, share: number, seed: number): Dataset =>
  share === 1 ? dataset : { ...dataset, parts: { ...dataset.parts, train: reduce(dataset.parts.train, dataset.users, share, seed) } };

const reduce = ({ offsets, items, values, times }: Ratings, users: number, share: number, seed: number): Ratings => {
  const kept = allocateRatings(
    users,
    (user) => Math.max(1, Math.round(share * (offsets[user + 1]! - offsets[user]!))),
    times !== undefined,
  );
  for (let user = 0; user < users; user++) {
    const first = offsets[user]!;
    const rows = shuffle(
      Uint32Array.from({ length: offsets[user + 1]! - first }, (_, i) => first + i),
      random(seed, 'budget', user),
    );
    let at = kept.offsets[user]!;
    for (const row of rows.subarray(0, kept.offsets[user + 1]! - at).sort()) {
      kept.items[at] = items[row]!;
      kept.values[at] = values[row]!;
      if (kept.times !== undefined) kept.times[at] = times![row]!;
      at += 1;
    }
  }
  return kept;
};
