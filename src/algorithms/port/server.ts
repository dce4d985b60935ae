import type { Random } from '../../base/random.js';
import type { DeviceId } from '../../base/units.js';
import type { OptimizerSetup } from '../../tensor/optimizers/setup.js';
import type { Tensorflow } from '../../tensor/tfjs.js';
import type { Rows } from './client.js';

/** A tensor of Θ, or a piece of one. Pieces share a name. Views are created on demand, because memories grow. */
export type NamedTensor = {
  readonly name: string;
  /** Row-major, of this piece. Pieces are cut along the first axis. Absent: one axis. */
  readonly shape?: readonly number[];
  /** float32, little-endian. Callers read and write the numbers only after `settle`. */
  bytes(): Uint8Array;
  /** The state that training needs to go on, such as moments, in the order of a checkpoint. */
  readonly state: readonly { readonly name: string; bytes(): Uint8Array }[];
};

/** A device that needs a model. `context` holds the tensors of wire.context. */
export type ModelRequest = { readonly device: DeviceId; readonly context?: readonly Float32Array[] };

/** For each tensor of wire.down, in order, its values in one or more pieces of whole rows. */
export type GeneratedModel = readonly (readonly Float32Array[])[];

/** An accepted client update, decoded. */
export type ClientUpdate = {
  readonly device: DeviceId;
  /** The number of its records. */
  readonly count: number;
  readonly rows: Uint32Array;
  /** The tensors of wire.up. */
  readonly tensors: readonly Float32Array[];
};

/** The result of an aggregation of client updates: sums, to be divided by weights. */
export type UpdateSum = {
  /** How many updates it stands for. */
  readonly updates: number;
  /** Σ of the updates' weights, above 0. */
  readonly weight: number;
  /** The tensors of wire.up: Σ weight · tensor. Tensors with rows have one row for every item. */
  readonly tensors: readonly Float32Array[];
  /** By item: Σ of the weights of the updates with a row of it. 0: no update had one, and its rows are zero. */
  readonly rowWeights: Float32Array;
};

export type StepResult = {
  /** Global norm of the mean update before clipping. */
  readonly gradientNorm: number;
  readonly clipped: boolean;
};

export type ServerHalf = {
  /** Θ, with the optimizer's state. */
  readonly tensors: readonly NamedTensor[];
  readonly kernels: 'simd' | 'reference';
  /** How many models are best generated at once, with the rows of every item. */
  readonly chunk: number;
  /**
   * Takes a cohort: distinct devices, ascending. Then its models can be generated in chunks, in any order.
   * `round` is a key of the random part of models for training. null: models for a measurement, which have no random part.
   */
  prepare(cohort: readonly ModelRequest[], round: number | null): void;
  /**
   * Begins the models of the prepared cohort's positions first … first + rows.length − 1. The function that it returns waits for them.
   * After that the next chunk may begin. A chunk is valid until the next one is there.
   */
  generate(first: number, rows: readonly Rows[]): () => readonly GeneratedModel[];
  /** If traits.aggregation is `each`: takes updates of the prepared cohort, in DeviceId order. */
  accumulate?(updates: readonly ClientUpdate[]): void;
  /** If it is `sum`: takes a round's sum, which stays as it is until `step` returns. Θ does not change before `step`. */
  apply?(sum: UpdateSum): void;
  /**
   * Steps Θ by the updates since the last step. Without any, Θ does not change. `learningRate`: that of the run's schedule, 1 without one.
   * `round`: counted from 1, for an algorithm's own schedule (ServerRuntime.rounds).
   */
  step(learningRate: number, round: number): StepResult;
  /** Ends the work that the last step deferred to the next round. Then Θ has all of the step. */
  settle(): void;
  /** The state, apart from `tensors`, that training needs to go on: plain data for the checkpoint. */
  state(): unknown;
  restore(state: unknown): void;
  close(): void | Promise<void>;
};

/** The engine's services for a server half. */
export type ServerRuntime = {
  readonly seed: number;
  /** Threads for kernels, the coordinator's own included. */
  readonly threads: number;
  /** The number of rounds that the run plans. null without a plan. */
  readonly rounds: number | null;
  /** The run's `optimizer` section. null unless traits.reads has it. */
  readonly optimizer: OptimizerSetup | null;
  /** A random stream for each list of keys, the same on every machine. */
  random(...keys: readonly (string | number)[]): Random;
  /** Float32 tensors in memory that checkpoints and digests read. */
  createTensors(specs: readonly NewTensor[]): Tensors;
  /** tfjs, on the fastest backend that loads. */
  tensorflow(): Promise<Tensorflow>;
};

/** `initial` fills the values, which are zero before. */
export type NewTensor = {
  readonly name: string;
  readonly shape: readonly number[];
  initial?(source: Random, values: Float32Array): void;
  /** Names of more arrays of the same size, such as moments. A checkpoint keeps them, and they are no part of digests. */
  readonly state?: readonly string[];
};

export type Tensors = {
  /** For ServerHalf.tensors. */
  readonly list: readonly NamedTensor[];
  /** The values of a tensor, or of the array `state` that is kept with it. Throws for unknown names. */
  values(name: string, state?: string): Float32Array;
};
