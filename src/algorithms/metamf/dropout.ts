import { random } from '../../base/random.js';
import type { DeviceId } from '../../base/units.js';
import type { MetaMFOptions } from './options.js';

/**
 * Dropout on the hidden layers of the generators (Srivastava et al., 2014).
 * It is inverted: the other units are multiplied by 1/(1 − p), so that models for measurements need no change.
 * Silent units have the key (seed, round, device). So a device's model does not depend on the cohort, and is the same when the round runs again.
 */
export type Dropout = { readonly probability: number; readonly gain: number; readonly seed: number; readonly round: number };

export const dropoutOf = ({ dropout }: MetaMFOptions, seed: number, round: number): Dropout | null =>
  dropout === 0 ? null : { probability: dropout, gain: Math.fround(1 / (1 - dropout)), seed, round };

/** In place on h_x (cohort, units), x being the branch. */
export const silence = (
  hidden: Float32Array,
  cohort: readonly DeviceId[],
  branch: number,
  { probability, gain, seed, round }: Dropout,
): void => {
  const units = hidden.length / Math.max(1, cohort.length);
  cohort.forEach((device, position) => {
    const source = random(seed, 'dropout', round, device, branch);
    for (let at = position * units; at < (position + 1) * units; at++) hidden[at] = source.uniform() < probability ? 0 : gain * hidden[at]!;
  });
};
