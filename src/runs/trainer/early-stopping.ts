import type { Score } from '../../events/evaluation.js';

/** The best validation MSE so far, and for how many measurements it has stood. Plain data, for the checkpoint. */
export type BestSoFar = { readonly mse: number | null; readonly epoch: number; readonly waited: number };

export const NOTHING_YET: BestSoFar = { mse: null, epoch: 0, waited: 0 };

/** Without validation ratings epochs cannot be compared: then the latest epoch counts as best. */
export const judge = (best: BestSoFar, epoch: number, valid: Score): BestSoFar =>
  best.mse === null || valid.count === 0 || valid.mse < best.mse
    ? { mse: valid.mse, epoch, waited: 0 }
    : { ...best, waited: best.waited + 1 };

export const shouldStop = ({ waited }: BestSoFar, patience: number): boolean => patience > 0 && waited >= patience;
