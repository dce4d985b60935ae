import type { Interactions } from '../port/client.js';
import type { World } from '../port/definition.js';
import type { FedAvgOptions } from './options.js';

/** c_u: what a device subtracts from its ratings before the model sees them. It never leaves the device. */
export const createCentre = (
  { lowest, highest }: World,
  { centring, centringDamping }: Pick<FedAvgOptions, 'centring' | 'centringDamping'>,
): ((train: Interactions) => number) => {
  if (centring === 'none') return () => 0;
  const middle = (lowest + highest) / 2;
  return ({ values }) => {
    let sum = 0;
    for (const value of values) sum += value - middle;
    return middle + sum / Math.max(1, values.length + centringDamping);
  };
};
