import type { PrivateStateSpec } from '../../algorithms/port/client.js';
import type { Dataset } from '../../data/dataset.js';
import { selectFeature } from '../../data/features/described.js';
import { cutByUsers } from '../../data/user-ranges.js';
import type { Column, PrivateColumns } from '../../device/actor/columns.js';
import { createPrivateState } from '../../device/actor/private-state.js';
import { createBudgets } from '../../device/hardware/budgets.js';

const range = (first: number, end: number): Uint32Array => Uint32Array.from({ length: end - first }, (_, i) => first + i);

/** float32 that each device keeps: one number, or by its training records. */
const sizesOf = (size: PrivateStateSpec['size'], { offsets }: Column, devices: number): number | readonly number[] =>
  typeof size === 'number' ? size : Array.from({ length: devices }, (_, index) => size(offsets[index + 1]! - offsets[index]!));

/**
 * Cuts a dataset into the private columns of `hosts` device hosts, or fewer where there are fewer devices. Each column has room for
 * `stateSize` numbers that a device keeps, and for its `budgets` where it has any. With `features`, it has those of its users alone.
 */
export const shardDataset = (
  dataset: Dataset,
  hosts: number,
  stateSize: PrivateStateSpec['size'] = 0,
  budgets: 'budgets' | 'none' = 'none',
  features: 'features' | 'none' = 'none',
): readonly PrivateColumns[] => {
  const { userFeatures = [] } = dataset;
  return cutByUsers(dataset, hosts).map(({ first, end, parts }) => {
    const devices = end - first;
    return {
      ...{ firstDevice: first, devices, train: parts.train, valid: parts.valid, test: parts.test },
      ...(stateSize === 0 ? {} : { state: createPrivateState(devices, sizesOf(stateSize, parts.train, devices)) }),
      ...(budgets === 'none' ? {} : { budgets: createBudgets(devices) }),
      ...(features === 'none' ? {} : { features: userFeatures.map((feature) => selectFeature(feature, range(first, end))) }),
    };
  });
};
