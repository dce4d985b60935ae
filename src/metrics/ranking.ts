import type { RankingMetric } from './metric.js';
import type { Ranks, TieGroup } from './ranks.js';

/**
 * Ranking metrics are means over users of a figure in 0 … 1; sums: users, Σ figure. Ties count as the expected figure over
 * all orders of the tied candidates, in closed form. So the order in which candidates are listed does not matter.
 */
type Figure = (ranks: Ranks) => number;

const meanOverUsers = (name: string, figure: Figure, isMeasured = hasRelevant): RankingMetric => ({
  name,
  task: 'ranking',
  better: 'higher',
  size: 2,
  add: (sums, at, ranks) => {
    if (!isMeasured(ranks)) return;
    sums[at]! += 1;
    sums[at + 1]! += figure(ranks);
  },
  value: (sums, at) => (sums[at] === 0 ? null : sums[at + 1]! / sums[at]!),
});

const hasRelevant = ({ relevant }: Ranks): boolean => relevant > 0;
const hasBoth = ({ relevant, candidates }: Ranks): boolean => relevant > 0 && relevant < candidates;

/** How many of a group's positions are among the first k. */
const placesWithin = ({ above, tied }: TieGroup, k: number): number => Math.min(Math.max(k - above, 0), tied);

/** Expected number of relevant candidates among the first k. */
const hitsWithin = ({ groups }: Ranks, k: number): number => {
  let hits = 0;
  for (const group of groups) hits += (group.hits * placesWithin(group, k)) / group.tied;
  return hits;
};

/**
 * Probability that any of the first k is relevant. The best group decides. It offers `places` of its `tied` positions, and
 * misses with probability C(tied − hits, places) / C(tied, places). This is a product of as many factors as the smaller of the two.
 */
const hitRate = ({ groups }: Ranks, k: number): number => {
  const best = groups[0]!;
  const places = placesWithin(best, k);
  const few = Math.min(best.hits, places);
  const many = Math.max(best.hits, places);
  if (few + many > best.tied) return 1;
  let miss = 1;
  for (let i = 0; i < few; i++) miss *= (best.tied - many - i) / (best.tied - i);
  return 1 - miss;
};

/** Expected 1 / position of the first relevant candidate. In the best group it is the x-th with probability C(tied − x, hits − 1) / C(tied, hits). */
const reciprocalRank: Figure = ({ groups }) => {
  const { above, tied, hits } = groups[0]!;
  let probability = hits / tied;
  let expected = 0;
  for (let x = 1; x <= tied - hits + 1; x++) {
    expected += probability / (above + x);
    probability *= (tied - hits - x + 1) / (tied - x);
  }
  return expected;
};

const discount = (position: number): number => 1 / Math.log2(position + 1);

/**
 * Discounted cumulative gain of the first k, gain 1 for a relevant candidate, over that of the best order (Järvelin and
 * Kekäläinen, 2002). Both sums run from the first position on, so that the best order has 1 to the bit.
 */
const normalizedGain = ({ groups, relevant }: Ranks, k: number): number => {
  let gain = 0;
  for (const group of groups) {
    const share = group.hits / group.tied;
    for (let place = 1; place <= placesWithin(group, k); place++) gain += share * discount(group.above + place);
  }
  let best = 0;
  for (let position = 1; position <= Math.min(k, relevant); position++) best += discount(position);
  return gain / best;
};

/** Share of pairs (relevant, other candidate) in the right order; a tied pair is half right. */
const areaUnderCurve: Figure = ({ groups, relevant, candidates }) => {
  const others = candidates - relevant;
  let relevantAbove = 0;
  let right = 0;
  for (const { above, tied, hits } of groups) {
    const othersAbove = above - relevantAbove;
    const othersTied = tied - hits;
    right += hits * (others - othersAbove - othersTied / 2);
    relevantAbove += hits;
  }
  return right / (relevant * others);
};

/** Over the whole order. A user counts with a relevant candidate; for `auc`, with another candidate too. */
export const ORDER_METRICS: readonly RankingMetric[] = [
  meanOverUsers('mrr', reciprocalRank),
  meanOverUsers('auc', areaUnderCurve, hasBoth),
];

/**
 * Over the first k candidates, k ≥ 1; a user counts with a relevant candidate. `recall` divides by all relevant candidates.
 * It may stay below 1 when they are more than k. `precision` divides by k, also when there are fewer than k candidates.
 */
export const CUTOFF_METRICS: ReadonlyMap<string, (k: number) => RankingMetric> = new Map(
  Object.entries({
    hr: hitRate,
    ndcg: normalizedGain,
    recall: (ranks: Ranks, k: number) => hitsWithin(ranks, k) / ranks.relevant,
    precision: (ranks: Ranks, k: number) => hitsWithin(ranks, k) / k,
  }).map(([family, figure]) => [family, (k: number) => meanOverUsers(`${family}@${k}`, (ranks) => figure(ranks, k))]),
);
