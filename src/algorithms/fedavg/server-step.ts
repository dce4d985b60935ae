import { elements, type TensorSpec } from '../../messages/wire-tensor.js';
import type { UpdateSum } from '../port/server.js';
import type { Moments, ServerStep } from './server-optimizer.js';

/** A tensor of Θ with what the server optimizer remembers of it. */
export type Stepped = { readonly spec: TensorSpec; readonly weights: Float32Array; readonly moments: Moments };

/** What the sum of an item row is divided by, and what becomes of rows that no device of the round sent. */
export type RowRules = { readonly rowWeighting: 'cohort' | 'touched'; readonly untouchedRows: 'decay' | 'keep' };

/**
 * Steps a tensor by the mean difference. It goes row by row where rows have weights of their own, or those that nobody sent rest.
 * Returns Σ of the mean's squares.
 */
export const stepTensor = (
  { spec, weights, moments }: Stepped,
  step: ServerStep,
  { weight: total, rowWeights }: UpdateSum,
  sum: Float32Array,
  { rowWeighting, untouchedRows }: RowRules,
  rate: number,
): number => {
  const every = untouchedRows === 'decay';
  if (!spec.perRow || (every && rowWeighting === 'cohort'))
    return step(weights, moments, sum, { from: 0, end: sum.length, weight: total }, rate);
  const width = elements(spec.shape);
  let squares = 0;
  for (let row = 0; row < rowWeights.length; row++) {
    const weight = rowWeights[row]!;
    if (weight === 0 && !every) continue;
    const stretch = { from: row * width, end: (row + 1) * width, weight: rowWeighting === 'cohort' || weight === 0 ? total : weight };
    squares += step(weights, moments, sum, stretch, rate);
  }
  return squares;
};

/** The share of the server rate in a round, counted from 1. `annealRounds` 0: the rounds that the run plans; with no plan, all of the rate. */
export const scheduleShare = (schedule: 'constant' | 'cosine', annealRounds: number, round: number, planned: number | null): number => {
  const rounds = annealRounds === 0 ? planned : annealRounds;
  return schedule === 'constant' || rounds === null ? 1 : (1 + Math.cos(Math.PI * Math.min(1, (round - 1) / rounds))) / 2;
};
