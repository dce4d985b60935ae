import type { PrivateStateSpec } from '../../algorithms/port/client.js';
import type { Dataset, Ratings } from '../../data/dataset.js';
import { selectFeature } from '../../data/features/described.js';
import type { Column, PrivateColumns } from '../../device/actor/columns.js';
import { createPrivateState } from '../../device/actor/private-state.js';
import { createBudgets } from '../../device/hardware/budgets.js';

/** The rows of devices first … end − 1, copied: a host is handed its own devices' ratings and can reach no others. */
const slice = ({ offsets, items, values }: Ratings, first: number, end: number): Column => {
  const from = offsets[first]!;
  const to = offsets[end]!;
  const column: Column = {
    offsets: new Uint32Array(new SharedArrayBuffer(4 * (end - first + 1))),
    items: new Uint32Array(new SharedArrayBuffer(4 * (to - from))),
    values: new Float32Array(new SharedArrayBuffer(4 * (to - from))),
  };
  for (let i = first; i <= end; i++) column.offsets[i - first] = offsets[i]! - from;
  column.items.set(items.subarray(from, to));
  column.values.set(values.subarray(from, to));
  return column;
};

/** Ends of `count` contiguous ranges of devices with about equally many training ratings, none of them empty. */
const boundaries = ({ offsets }: Ratings, devices: number, count: number): number[] => {
  const ends: number[] = [];
  for (let shard = 1; shard <= count; shard++) {
    const target = (offsets[devices]! * shard) / count;
    let end = ends.at(-1) ?? 0;
    const latest = devices - (count - shard);
    do end += 1;
    while (end < latest && offsets[end]! < target);
    ends.push(shard === count ? devices : end);
  }
  return ends;
};

const range = (first: number, end: number): Uint32Array => Uint32Array.from({ length: end - first }, (_, i) => first + i);

/** float32 that each device keeps: one number, or by its training records. */
const sizesOf = (size: PrivateStateSpec['size'], { offsets }: Column, devices: number): number | readonly number[] =>
  typeof size === 'number' ? size : Array.from({ length: devices }, (_, index) => size(offsets[index + 1]! - offsets[index]!));

/**
 * Cuts a dataset into the private columns of `hosts` device hosts, or fewer where there are fewer devices. Each column has room for
 * `stateSize` numbers that a device keeps, and for its `budgets` where it has any. With `features`, it has those of its users alone.
 */
export const shardDataset = (
  { users, parts, userFeatures = [] }: Dataset,
  hosts: number,
  stateSize: PrivateStateSpec['size'] = 0,
  budgets: 'budgets' | 'none' = 'none',
  features: 'features' | 'none' = 'none',
): readonly PrivateColumns[] => {
  const ends = boundaries(parts.train, users, Math.min(hosts, users));
  return ends.map((end, index) => {
    const first = ends[index - 1] ?? 0;
    const of = (ratings: Ratings) => slice(ratings, first, end);
    const devices = end - first;
    const columns = { firstDevice: first, devices, train: of(parts.train), valid: of(parts.valid), test: of(parts.test) };
    return {
      ...columns,
      ...(stateSize === 0 ? {} : { state: createPrivateState(devices, sizesOf(stateSize, columns.train, devices)) }),
      ...(budgets === 'none' ? {} : { budgets: createBudgets(devices) }),
      ...(features === 'none' ? {} : { features: userFeatures.map((feature) => selectFeature(feature, range(first, end))) }),
    };
  });
};
