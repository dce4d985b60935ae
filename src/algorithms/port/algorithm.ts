import type { Random } from '../../base/random.js';
import type { DeviceId } from '../../base/units.js';
import type { TensorSpec } from '../../messages/wire-tensor.js';
import type { Parameter } from '../../tensor/memory/parameter.js';

/**
 * The port of everything that is learned. An algorithm has a server half, which owns Θ and makes a model for each device
 * of a cohort, and a device half, which turns a model and private ratings into an update. Neither does I/O or knows of
 * threads, messages' encoding, sampling or deadlines; the engine knows nothing of either's mathematics.
 *
 *   MetaMF       generates Φ_u; devices return ∂loss/∂Φ_u; one optimizer step a round
 *   FedAvg-like  sends shared parameters; devices return weighted differences after local epochs
 *   MAML-like    sends an initialization; devices adapt on a support set and return the query set's gradient
 */
export type Algorithm = {
  readonly name: string;
  /** What travels down, in this order; the same tensors, as gradients or differences, travel up. Row tensors come first. */
  readonly tensors: readonly TensorSpec[];
  readonly device: DeviceHalf;
  createServer(options: ServerOptions): Promise<ServerHalf>;
};

/** The public facts of a rating set: what the coordinator may know. */
export type World = {
  readonly devices: number;
  readonly items: number;
  /** Lowest and highest rating of the scale. */
  readonly lowest: number;
  readonly highest: number;
};

export type ServerOptions = {
  readonly seed: number;
  /** Threads for the kernels, the caller's included. */
  readonly threads: number;
};

/** The item rows of a model: those a device asked for, ascending, or null for all. */
export type Rows = Uint32Array | null;

/** For each tensor of the port, in order, its values in one or more pieces of whole rows. */
export type GeneratedModel = readonly (readonly Float32Array[])[];

/** An accepted client update, decoded. */
export type ClientUpdate = {
  readonly device: DeviceId;
  /** Ratings it is the sum over. */
  readonly count: number;
  readonly rows: Uint32Array;
  readonly tensors: readonly Float32Array[];
};

export type StepResult = { readonly gradientNorm: number; readonly clipped: boolean };

export type ServerHalf = {
  /** Θ, with its optimizer state; pieces of one tensor share a name. What they hold is read and written after `settle` only. */
  readonly parameters: readonly Parameter[];
  readonly kernels: 'simd' | 'reference';
  /** How many models are best generated at once, when every item is asked for, and can be within the server's memory. */
  readonly chunk: number;
  /**
   * Takes a cohort: distinct devices, ascending. Its models can then be generated in chunks, in any order. `round` keys what is
   * random about models to learn with; null: models to measure with, which have nothing random about them.
   */
  prepare(cohort: readonly DeviceId[], round: number | null): void;
  /**
   * Begins on the models of the prepared cohort's positions first … first + rows.length − 1; what it returns waits until they are there.
   * Then the next may be begun, and these are valid until those after them are.
   */
  generate(first: number, rows: readonly Rows[]): () => readonly GeneratedModel[];
  /** Accumulates updates of the prepared cohort, in DeviceId order, into the gradient of Θ (for MetaMF) or its like. */
  accumulate(updates: readonly ClientUpdate[]): void;
  /** Steps Θ by what was accumulated since the last step; nothing accumulated, nothing changes. */
  step(learningRate: number): StepResult;
  /** Ends what the last step left to be done beside the next round: Θ is then what that step makes of it. */
  settle(): void;
  /** What the optimizer remembers beside the parameters' own state: plain data for the checkpoint. */
  state(): unknown;
  restore(state: unknown): void;
  close(): Promise<void>;
};

/** A device's private ratings: never part of a message. */
export type LocalRatings = { readonly items: Uint32Array; readonly values: Float32Array };

/** A model as a device holds it. `rows` null: every item. */
export type LocalModel = { readonly rows: Rows; readonly tensors: readonly Float32Array[] };

/** The result of a local step, before protection: `rows` ascending, row tensors aligned with them. */
export type LocalUpdate = {
  readonly count: number;
  readonly loss: number;
  readonly rows: Uint32Array;
  readonly tensors: readonly Float32Array[];
  /** The device's private state after the step; absent where it has none. */
  readonly state?: Float32Array;
};

/** Numbers that a device keeps from round to round and never sends, such as a private user vector. */
export type PrivateStateSpec = { readonly size: number; initial(source: Random): Float32Array };

export type DeviceHalf = {
  /** Absent: devices keep nothing between rounds. */
  readonly privateState?: PrivateStateSpec;
  /** One client update from `batch`, a part of `train`, all of the device's ratings to learn from. `state` is not changed. */
  update(model: LocalModel, train: LocalRatings, batch: LocalRatings, source: Random, state: Float32Array): LocalUpdate;
  /** Floating-point operations that `update` takes on such a batch, a multiplication and an addition counted as two. */
  operations(batch: LocalRatings): number;
  /** Predicted ratings of `items`; what is private (such as the device's mean) is taken from `train` and `state`. */
  predict(model: LocalModel, train: LocalRatings, items: Uint32Array, state: Float32Array): Float32Array;
};
