import type { PrivateStateSpec } from '../../algorithms/port/client.js';
import { random } from '../../base/random.js';
import type { DeviceId } from '../../base/units.js';

/**
 * The devices' own storage in shared memory, so that a device keeps its state when the thread that hosted it dies. Two versions are
 * kept, before and after the round a device last took part in: a round that is run again starts from the same state as the first time.
 */
export type PrivateState = {
  /** float32 of each device; where they differ, `starts` says what each has and this is 0. */
  readonly size: number;
  /** By device of the shard, and one more: where its states begin, were there one version. */
  readonly starts: Float64Array<SharedArrayBuffer> | null;
  /** By device of the shard: the round of the newer version; 0: never took part. */
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

/** Where a device's older version begins, and how long each is. */
const placeOf = ({ size, starts }: PrivateState, index: number): readonly [start: number, size: number] =>
  starts === null ? [2 * index * size, size] : [2 * starts[index]!, starts[index + 1]! - starts[index]!];

/** float32 that a device keeps. */
export const stateSize = (state: PrivateState | undefined, index: number): number => (state === undefined ? 0 : placeOf(state, index)[1]);

const NOTHING = new Float32Array(0);

/** A device's state as it was before `round`: its start, keyed by (seed, device), where it has not taken part yet. */
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
 * Keeps the state a device has after `round`, and the one it had before. In this order: a thread that dies in between leaves
 * the state before `round` as what the round starts from.
 */
export const keepState = (state: PrivateState, index: number, round: number, before: Float32Array, after: Float32Array): void => {
  const { rounds, versions } = state;
  const [start, size] = placeOf(state, index);
  versions.set(before, start);
  rounds[index] = round;
  versions.set(after, start + size);
};
