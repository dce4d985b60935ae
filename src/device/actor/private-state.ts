import type { PrivateStateSpec } from '../../algorithms/port/client.js';
import { random } from '../../base/random.js';
import type { DeviceId } from '../../base/units.js';

/**
 * The devices' own storage in shared memory. A device keeps its state when the thread of its host dies.
 * There are two versions: before and after the last round in which the device took part.
 * So a round that runs again starts from the same state as the first time.
 */
export type PrivateState = {
  /** float32 of each device. If devices differ, this is 0, and `starts` has the sizes. */
  readonly size: number;
  /** By device of the shard, and one more: where its state would begin if there were one version. */
  readonly starts: Float64Array<SharedArrayBuffer> | null;
  /** By device of the shard: the round of the newer version. 0: it never took part. */
  readonly rounds: Uint32Array<SharedArrayBuffer>;
  /** Device by device, the older and the newer version. */
  readonly versions: Float32Array<SharedArrayBuffer>;
};

/** `sizes`: of every device, or device by device. */
export const createPrivateState = (devices: number, sizes: number | readonly number[]): PrivateState => {
  const rounds = new Uint32Array(new SharedArrayBuffer(4 * devices));
  const room = (numbers: number) => new Float32Array(new SharedArrayBuffer(8 * numbers));
  if (typeof sizes === 'number') return { size: sizes, starts: null, rounds, versions: room(devices * sizes) };
  const starts = new Float64Array(new SharedArrayBuffer(8 * (devices + 1)));
  for (let index = 0; index < devices; index++) starts[index + 1] = starts[index]! + sizes[index]!;
  return { size: 0, starts, rounds, versions: room(starts[devices]!) };
};

/** Where a device's older version begins, and the length of each version. */
const placeOf = ({ size, starts }: PrivateState, index: number): readonly [start: number, size: number] =>
  starts === null ? [2 * index * size, size] : [2 * starts[index]!, starts[index + 1]! - starts[index]!];

/** float32 that a device keeps. */
export const stateSize = (state: PrivateState | undefined, index: number): number => (state === undefined ? 0 : placeOf(state, index)[1]);

const NOTHING = new Float32Array(0);

/** A device's state before `round`. If it has not taken part yet, that is its first state, with the key (seed, device). */
export const stateBefore = (
  state: PrivateState | undefined,
  spec: PrivateStateSpec | undefined,
  index: number,
  device: DeviceId,
  round: number,
  seed: number,
): Float32Array => {
  if (state === undefined || spec === undefined) return NOTHING;
  const { rounds, versions } = state;
  const [start, size] = placeOf(state, index);
  const last = rounds[index]!;
  if (last === 0) return spec.initial(random(seed, 'state', device), size);
  const from = last >= round ? start : start + size;
  return versions.slice(from, from + size);
};

/**
 * Keeps the device's state after `round`, and the state before. The order matters:
 * if the thread dies in between, the round starts again from the state before.
 */
export const keepState = (state: PrivateState, index: number, round: number, before: Float32Array, after: Float32Array): void => {
  const { rounds, versions } = state;
  const [start, size] = placeOf(state, index);
  versions.set(before, start);
  rounds[index] = round;
  versions.set(after, start + size);
};
