import { random } from '../../base/random.js';
import type { Interval } from './intervals.js';
import type { AttackRow } from './measure.js';

/** Pairs of one user: the model's error on those that it was trained on, and on others. Absolute or squared. */
export type UserErrors = { readonly members: readonly number[]; readonly others: readonly number[] };

/** Resamples of users behind the interval. */
const RESAMPLES = 1000;

type Pair = { readonly user: number; readonly error: number; readonly member: boolean };

const sortedPairs = (users: readonly UserErrors[]): readonly Pair[] =>
  users
    .flatMap(({ members, others }, user) => [
      ...members.map((error): Pair => ({ user, error, member: true })),
      ...others.map((error): Pair => ({ user, error, member: false })),
    ])
    .toSorted((a, b) => a.error - b.error);

/** P(error of a member < error of another pair) + ½ P(equal), each pair counted by its user's weight. null: one side is empty. */
const weightedAuc = (pairs: readonly Pair[], weights: ArrayLike<number>): number | null => {
  let [below, won, members, others] = [0, 0, 0, 0];
  let at = 0;
  while (at < pairs.length) {
    const { error } = pairs[at]!;
    let [tiedMembers, tiedOthers] = [0, 0];
    for (; at < pairs.length && pairs[at]!.error === error; at++) {
      const { user, member } = pairs[at]!;
      if (member) tiedMembers += weights[user]!;
      else tiedOthers += weights[user]!;
    }
    won += tiedOthers * (below + tiedMembers / 2);
    below += tiedMembers;
    members += tiedMembers;
    others += tiedOthers;
  }
  return members === 0 || others === 0 ? null : won / (members * others);
};

/** A 95 % interval by the percentile bootstrap over users: pairs of one user depend on each other. */
const bootstrap = (pairs: readonly Pair[], users: number, seed: number): Interval | null => {
  const source = random(seed, 'attack', 'bootstrap');
  const found: number[] = [];
  for (let resample = 0; resample < RESAMPLES; resample++) {
    const weights = new Uint32Array(users);
    for (let drawn = 0; drawn < users; drawn++) weights[source.integer(users)]! += 1;
    const auc = weightedAuc(pairs, weights);
    if (auc !== null) found.push(auc);
  }
  if (found.length === 0) return null;
  const sorted = found.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return [at(0.025), at(0.975)];
};

/**
 * Membership inference by a threshold on the loss (Yeom et al., CSF 2018). A pair on which the model errs less is taken for one it was trained on.
 * AUC over all thresholds, 0.5 by chance.
 */
export const membershipRow = (users: readonly UserErrors[], seed: number): AttackRow => {
  const pairs = sortedPairs(users);
  const success = weightedAuc(pairs, new Uint8Array(users.length).fill(1));
  return {
    ...{ attack: 'membership', setting: 'final model', method: 'error of the prediction', measure: 'auc', trials: pairs.length },
    ...{ success, chance: success === null ? null : 0.5, interval: success === null ? null : bootstrap(pairs, users.length, seed) },
  };
};
