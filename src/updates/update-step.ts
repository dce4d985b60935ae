import type { z } from 'zod';
import type { Random } from '../base/random.js';
import type { TensorSpec } from '../messages/wire-tensor.js';

/**
 * What happens to a client update between the algorithm's step and the wire: a definition like an algorithm's. Several follow one another in
 * the order of the key `updates`.
 */
export type UpdateStepDefinition<Options = unknown> = {
  readonly name: string;
  readonly version: string;
  readonly options: z.ZodType<Options>;
  readonly traits: UpdateStepTraits;
  /** Made once in each thread that hosts devices. */
  onDevice(options: Options, wire: UpdateWire): DeviceStep;
};

export type UpdateStepTraits = {
  /** What the coordinator can no longer see of a single update. */
  readonly hides: readonly ('norms' | 'rows')[];
  /** sum: only the sum of a round's updates means something, so the algorithm must need no more. */
  readonly requires?: 'sum';
};

/** Tensors of an update, and how many items a row can be of. */
export type UpdateWire = { readonly up: readonly TensorSpec[]; readonly items: number };

/** What a device is about to send, decoy rows included: zero there. */
export type SentUpdate = {
  /** Records it stands for. */
  readonly count: number;
  /** Items of its row tensors, ascending. */
  readonly rows: Uint32Array;
  readonly tensors: readonly Float32Array[];
};

/** A pure function: tensors of the same shapes as those it is given. `source` is keyed by (seed, name of the step, round, device). */
export type DeviceStep = (update: SentUpdate, context: { readonly source: Random }) => readonly Float32Array[];
