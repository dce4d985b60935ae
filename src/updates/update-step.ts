import type { z } from 'zod';
import type { Random } from '../base/random.js';
import type { Grid } from '../messages/rounding.js';
import type { Dtype } from '../messages/tensor-form.js';
import type { TensorSpec } from '../messages/wire-tensor.js';

/**
 * What happens to a client update between the algorithm's step and the server half: a definition like an algorithm's. It has a half on the device,
 * a half on the server, or both. Several follow one another in the order of the key `updates`: on each device, and then on the round's sum.
 */
export type UpdateStepDefinition<Options = unknown> = {
  readonly name: string;
  readonly version: string;
  readonly options: z.ZodType<Options>;
  readonly traits: UpdateStepTraits;
  /** Names of the options that the others leave without effect. */
  unused?(options: Options): readonly string[];
  /** Made once in each thread that hosts devices. */
  onDevice?(options: Options, wire: UpdateWire): DeviceStep;
  /** How many float32 a device keeps for this step between its rounds, by its number of training records. They are zero at first. Default: none. */
  state?(options: Options, wire: UpdateWire): (records: number) => number;
  /** Made once, in the coordinator's thread. */
  onServer?(options: Options, wire: UpdateWire): ServerStep;
  /** What noise it adds, for the accountant. Default: none. */
  spend?(options: Options): Spend;
  /** The most that an update is long after this step, as its options say. null: they do not say it. */
  bound?(options: Options): Bound | null;
  /** How updates travel after it. Default: every number, as the key `dtype` says. */
  encoding?(options: Options): Encoding;
};

/** What an update is encoded as. Bytes are counted as they are sent. */
export type Encoding = {
  /** Numbers that are zero do not travel, nor do they cost more than a bit each (messages/sparse.ts). */
  readonly sparse: boolean;
  /** null: as the key `dtype` says. */
  readonly dtype: Dtype | null;
};

export type UpdateStepTraits = {
  /** What the coordinator can no longer see of a single update: its norm, its rows, the count of its records and their loss. */
  readonly hides: readonly ('norms' | 'rows' | 'counts')[];
  /** sum: only the sum of a round's updates means something, so the algorithm must need no more. */
  readonly requires?: 'sum';
  /** masked: a device sends its update under masks that cancel in the sum of the cohort (docs/privacy.md). */
  readonly sends?: 'masked';
  /** Its server half tells the device half a number before each round (ServerStep.announced). */
  readonly announces?: true;
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

/** The most that one update is long: ‖x‖₂ or ‖x‖₁ over all of its tensors. */
export type Bound = { readonly norm: 'l1' | 'l2'; readonly most: number };

export type StepContext = {
  /** Keyed by (seed, name of the step, round, device). */
  readonly source: Random;
  /** What the device keeps for this step: a copy. What the step leaves in it is kept for the device's next round. */
  readonly state: Float32Array;
  /** What the steps before this one leave; null: nothing is known. */
  readonly bound: Bound | null;
  /** What the server half has announced for this round; null where it announces nothing. */
  readonly announced: number | null;
};

/**
 * `mark`: a number from 0 to 1 that travels with the update. The server half gets the cohort's sum of marks.
 * `grids`: for a step whose `encoding` is of whole numbers, what each tensor's numbers are multiples of.
 */
export type StepOutput =
  | readonly Float32Array[]
  | { readonly tensors: readonly Float32Array[]; readonly mark: number; readonly bound?: Bound }
  | { readonly tensors: readonly Float32Array[]; readonly grids: readonly Grid[] };

/** Tensors of the same shapes as those it is given. It changes nothing but `context.state`. */
export type DeviceStep = (update: SentUpdate, context: StepContext) => StepOutput;

/** Noise of one step: its standard deviation (Gaussian) or scale (Laplace), as a multiple of the bound before it. */
export type Spend =
  | { readonly kind: 'gaussian' | 'laplace'; readonly where: 'device' | 'coordinator'; readonly multiplier: number }
  /** Of the sum of marks, which are bits: the standard deviation of its noise. */
  | { readonly kind: 'marks'; readonly where: 'coordinator'; readonly deviation: number };

/** A round's sum as server halves change it: Σ of the updates, each counted once. */
export type RoundSum = {
  readonly tensors: readonly Float32Array[];
  /** Expected devices of a round, however many took part: the denominator of every mean (DP-FedAvg). */
  readonly cohort: number;
};

export type ServerContext = {
  /** Keyed by (seed, name of the step, round). */
  readonly source: Random;
  /** Σ of the marks of the round's updates. */
  readonly marks: number;
  /** What the steps before this one left on each device in this round; null: nothing is known. */
  readonly bound: Bound | null;
};

export type ServerStep = {
  /** The number for the device halves of the next round, if traits.announces is set. */
  announced?(): number;
  /** The bound that its device half has left in the round that is now summed, if that is its to say. */
  bound?(): Bound;
  /** Changes the sum's tensors in place. Called once for each round that steps Θ. */
  aggregate(sum: RoundSum, context: ServerContext): void;
  /** What it has learned: plain numbers, for the checkpoint. Default: nothing. */
  state?(): readonly number[];
  restore?(state: readonly number[]): void;
};
