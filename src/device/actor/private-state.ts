import type { PrivateStateSpec } from '../../algorithms/port/algorithm.js';
import { random } from '../../base/random.js';
import type { DeviceId } from '../../base/units.js';

/**
 * The devices' own storage: `size` numbers each, in shared memory, so that a device keeps its state when the thread that
 * hosted it dies. Two versions are kept, before and after the round a device last took part in: a round that is run again
 * starts from the same state as the first time.
 */
export type PrivateState = {
  readonly size: number;
  /** By device of the shard: the round of the newer version; 0: never took part. */
  readonly rounds: Uint32Array<SharedArrayBuffer>;
  /** (devices, 2, size): the older and the newer version. */
  readonly versions: Float32Array<SharedArrayBuffer>;
};

export const createPrivateState = (devices: number, size: number): PrivateState => ({
  size,
  rounds: new Uint32Array(new SharedArrayBuffer(4 * devices)),
  versions: new Float32Array(new SharedArrayBuffer(8 * devices * size)),
});

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
  const { size, rounds, versions } = state;
  const last = rounds[index]!;
  if (last === 0) return spec.initial(random(seed, 'state', device));
  const version = last >= round ? 0 : 1;
  return versions.slice((2 * index + version) * size, (2 * index + version + 1) * size);
};

/**
 * Keeps the state a device has after `round`, beside the one it had before. In this order: a thread that dies in between leaves
 * the state before `round` as what the round starts from.
 */
export const keepState = (
  { size, rounds, versions }: PrivateState,
  index: number,
  round: number,
  before: Float32Array,
  after: Float32Array,
): void => {
  versions.set(before, 2 * index * size);
  rounds[index] = round;
  versions.set(after, (2 * index + 1) * size);
};
