import type { Interactions, OwnData, OwnFeature } from '../../algorithms/port/client.js';
import { badInput } from '../../base/errors.js';
import type { DeviceId } from '../../base/units.js';
import type { Feature } from '../../data/features/feature.js';
import type { Budgets } from '../hardware/budgets.js';
import type { PrivateState } from './private-state.js';

/**
 * The private ratings of a host's devices, as columns. A device is a range of rows, not an object.
 * So a million idle devices cost their ratings and three offsets each. Device ids firstDevice … firstDevice + devices − 1 live here.
 */
export type PrivateColumns = {
  readonly firstDevice: number;
  readonly devices: number;
  readonly train: Column;
  readonly valid: Column;
  readonly test: Column;
  /** Features of the shard's own users, if the algorithm reads them. */
  readonly features?: readonly Feature[];
  /** If devices keep a state between rounds. */
  readonly state?: PrivateState;
  /** If a fleet is simulated. */
  readonly budgets?: Budgets;
};

/** Rows of device firstDevice + i: offsets[i] … offsets[i + 1] − 1. The memory is shared: a restarted host gets the same columns. */
export type Column = {
  readonly offsets: Uint32Array<SharedArrayBuffer>;
  readonly items: Uint32Array<SharedArrayBuffer>;
  readonly values: Float32Array<SharedArrayBuffer>;
};

export type HeldOutPart = 'valid' | 'test';

/** Position of a device in the shard. Throws MESSAGE for a device of another shard. */
export const indexOf = (columns: PrivateColumns, device: DeviceId): number => {
  const index = device - columns.firstDevice;
  if (index < 0 || index >= columns.devices) {
    const last = columns.firstDevice + columns.devices - 1;
    throw badInput('MESSAGE', 'device host', `a device from ${columns.firstDevice} to ${last}`, `device ${device}`);
  }
  return index;
};

export const ratingsOf = (columns: PrivateColumns, part: 'train' | HeldOutPart, device: DeviceId): Interactions => {
  const index = indexOf(columns, device);
  const { offsets, items, values } = columns[part];
  const start = offsets[index]!;
  const end = offsets[index + 1]!;
  return { items: items.subarray(start, end), values: values.subarray(start, end) };
};

const ownFeature = (feature: Feature, index: number): OwnFeature =>
  feature.kind === 'dense'
    ? feature.values.subarray(index * feature.width, (index + 1) * feature.width)
    : feature.values.subarray(feature.offsets[index]!, feature.offsets[index + 1]!);

/** What a device may learn from. */
export const ownDataOf = (columns: PrivateColumns, device: DeviceId): OwnData => {
  const train = ratingsOf(columns, 'train', device);
  if (columns.features === undefined) return { train };
  const index = indexOf(columns, device);
  return { train, features: columns.features.map((feature) => ownFeature(feature, index)) };
};

/** Training ratings of each device of the host: the activity by which a coordinator may sample. */
export const activityOf = ({ train: { offsets }, devices }: PrivateColumns): Uint32Array =>
  Uint32Array.from({ length: devices }, (_, index) => offsets[index + 1]! - offsets[index]!);
