import type { Score } from '../../events/evaluation.js';
import { isBetter, type Metric } from '../../metrics/metric.js';

/** The best value of the stopping metric so far, and for how many measurements it has stood. Plain data, for the checkpoint. */
export type BestSoFar = { readonly value: number | null; readonly epoch: number; readonly waited: number };

export const NOTHING_YET: BestSoFar = { value: null, epoch: 0, waited: 0 };

/** If nothing was measured, no epoch is better than another. Then the latest one counts as best. */
export const judge = (metric: Pick<Metric, 'name' | 'better'>, best: BestSoFar, epoch: number, valid: Score): BestSoFar => {
  const value = valid.metrics[metric.name] ?? null;
  return best.value === null || value === null || isBetter(metric, value, best.value)
    ? { value, epoch, waited: 0 }
    : { ...best, waited: best.waited + 1 };
};

export const shouldStop = ({ waited }: BestSoFar, patience: number): boolean => patience > 0 && waited >= patience;
