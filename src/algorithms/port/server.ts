import type { Random } from '../../base/random.js';
import type { DeviceId } from '../../base/units.js';
import type { OptimizerSetup } from '../../tensor/optimizers/setup.js';
import type { Tensorflow } from '../../tensor/tfjs.js';
import type { Rows } from './client.js';

/** A tensor of Θ, or a piece of one: pieces share a name. Views are made on demand, since memories grow. */
export type NamedTensor = {
  readonly name: string;
  /** float32, little-endian. What they hold is read and written after `settle` only. */
  bytes(): Uint8Array;
  /** What must be kept of it to go on training, such as moments, in the order of a checkpoint. */
  readonly state: readonly { readonly name: string; bytes(): Uint8Array }[];
};

/** A device to make a model for; `context` holds the tensors of wire.context. */
export type ModelRequest = { readonly device: DeviceId; readonly context?: readonly Float32Array[] };

/** For each tensor of wire.down, in order, its values in one or more pieces of whole rows. */
export type GeneratedModel = readonly (readonly Float32Array[])[];

/** An accepted client update, decoded. */
export type ClientUpdate = {
  readonly device: DeviceId;
  /** Records it stands for. */
  readonly count: number;
  readonly rows: Uint32Array;
  /** The tensors of wire.up. */
  readonly tensors: readonly Float32Array[];
};

/** What an aggregation of client updates leaves: sums, to be divided by weights. */
export type UpdateSum = {
  /** How many updates it stands for. */
  readonly updates: number;
  /** Σ of the updates' weights, above 0. */
  readonly weight: number;
  /** The tensors of wire.up, those with rows with one for every item: Σ weight · tensor. */
  readonly tensors: readonly Float32Array[];
  /** By item: Σ of the weights of the updates that had a row of it; 0: none had one, and its rows are zero. */
  readonly rowWeights: Float32Array;
};

export type StepResult = {
  /** Global norm of the mean update before clipping. */
  readonly gradientNorm: number;
  readonly clipped: boolean;
};

export type ServerHalf = {
  /** Θ, with what the optimizer keeps of it. */
  readonly tensors: readonly NamedTensor[];
  readonly kernels: 'simd' | 'reference';
  /** How many models are best generated at once, when every item is asked for. */
  readonly chunk: number;
  /**
   * Takes a cohort: distinct devices, ascending. Its models can then be generated in chunks, in any order. `round` keys what is
   * random about models to learn with; null: models to measure with, which have nothing random about them.
   */
  prepare(cohort: readonly ModelRequest[], round: number | null): void;
  /**
   * Begins on the models of the prepared cohort's positions first … first + rows.length − 1; what it returns waits until they are there.
   * Then the next may be begun, and these are valid until those after them are.
   */
  generate(first: number, rows: readonly Rows[]): () => readonly GeneratedModel[];
  /** Where traits.aggregation is `each`: takes updates of the prepared cohort, in DeviceId order. */
  accumulate?(updates: readonly ClientUpdate[]): void;
  /** Where it is `sum`: takes a round's sum, which stays as it is until `step` returns. Θ does not change before. */
  apply?(sum: UpdateSum): void;
  /**
   * Steps Θ by what was taken since the last step; nothing taken, nothing changes. `learningRate`: of the run's schedule, 1 without one.
   * `round`: counted from 1, for schedules of the algorithm's own (ServerRuntime.rounds).
   */
  step(learningRate: number, round: number): StepResult;
  /** Ends what the last step left to be done during the next round: Θ is then what that step makes of it. */
  settle(): void;
  /** What training needs to go on, apart from `tensors`: plain data for the checkpoint. */
  state(): unknown;
  restore(state: unknown): void;
  close(): void | Promise<void>;
};

/** What a server half is given. */
export type ServerRuntime = {
  readonly seed: number;
  /** Threads for kernels, the coordinator's own included. */
  readonly threads: number;
  /** How many rounds the run is planned to have; null where there is no plan. */
  readonly rounds: number | null;
  /** The run's `optimizer` section; null where traits.reads leaves it out. */
  readonly optimizer: OptimizerSetup | null;
  /** A stream of its own for each list of keys, the same on every machine. */
  random(...keys: readonly (string | number)[]): Random;
  /** Float32 tensors in memory that checkpoints and digests read. */
  createTensors(specs: readonly NewTensor[]): Tensors;
  /** tfjs, on the fastest backend that loads. */
  tensorflow(): Promise<Tensorflow>;
};

/** `initial` fills the values, zero before; `kept`: state of the training rather than of the model, not part of digests. */
export type NewTensor = {
  readonly name: string;
  readonly shape: readonly number[];
  initial?(source: Random, values: Float32Array): void;
  /** Names of further arrays of the same size that a checkpoint keeps with it, such as moments. */
  readonly state?: readonly string[];
};

export type Tensors = {
  /** For ServerHalf.tensors. */
  readonly list: readonly NamedTensor[];
  /** The values of a tensor, or with `state` of what is kept with it. Throws for names that were not given. */
  values(name: string, state?: string): Float32Array;
};
