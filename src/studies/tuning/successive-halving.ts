import { isBetter, type Metric } from '../../metrics/metric.js';

/**
 * Successive halving (Jamieson & Talwalkar, 2016): every candidate is trained a little.
 * The best 1/factor of them go on with factor times the budget, until the last rung.
 * Candidates are compared by one metric, and equal ones by their number.
 */
export type Rung = { readonly budget: number; readonly candidates: number };

export type HalvingOptions = { readonly candidates: number; readonly least: number; readonly factor: number; readonly most: number };

/** Budgets least, least·factor, … most; the last rung is at `most` whatever the steps, and has at least one candidate. */
export const rungsOf = ({ candidates, least, factor, most }: HalvingOptions): readonly Rung[] => {
  const rungs: Rung[] = [];
  let count = candidates;
  for (let budget = least; ; budget *= factor) {
    rungs.push({ budget: Math.min(budget, most), candidates: count });
    if (budget >= most) return rungs;
    count = Math.max(1, Math.floor(count / factor));
  }
};

export type Scored = { readonly candidate: number; readonly score: number | null };

/** Best first. No value, or one that is not a number, is worst. */
export const ranked = (scores: readonly Scored[], metric: Pick<Metric, 'better'>): readonly Scored[] =>
  [...scores].sort((a, b) => byScore(metric, a.score, b.score) || a.candidate - b.candidate);

/** Negative where `a` is better. */
export const byScore = (metric: Pick<Metric, 'better'>, a: number | null, b: number | null): number =>
  isBetter(metric, a, b) ? -1 : isBetter(metric, b, a) ? 1 : 0;
