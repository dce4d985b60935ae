import type { z } from 'zod';
import type { TensorSpec } from '../../messages/wire-tensor.js';
import type { OptimizerSetup } from '../../tensor/optimizers/setup.js';
import type { ClientHalf } from './client.js';
import type { ServerHalf, ServerRuntime } from './server.js';

/**
 * The port of everything that is learned on a fleet. A definition is plain code without state: a built-in one and a user's module are the
 * same thing. Its server half owns Θ and makes a model for each device of a cohort. Its client half turns a model and private records into
 * a client update. Neither does I/O or knows of threads, encodings, sampling or deadlines. The engine knows nothing of their mathematics.
 *
 *   MetaMF       generates Φ_u; devices return ∂loss/∂Φ_u; one optimizer step a round
 *   FedAvg       sends shared tensors; devices return differences after local epochs
 *   MAML         sends an initialization; devices adapt on a support set and return the query set's gradient
 */
export type AlgorithmDefinition<Options = unknown, Work = unknown> = {
  /** Lower case letters, digits and hyphens; the section of its options in a configuration. */
  readonly name: string;
  /** Changes with every change of what it computes: part of a run's identity. */
  readonly version: string;
  /** One described key with a default for each option: they become flags, documentation and tuning space. */
  readonly options: z.ZodType<Options>;
  readonly traits: Traits;
  /** Throws CONFIG for settings that contradict each other; `optimizer` is null where traits.reads leaves it out. */
  check?(options: Options, optimizer: OptimizerSetup | null): void;
  /** What crosses between the halves. */
  wire(world: World, options: Options): Wire;
  /** Made once in each thread that hosts devices. */
  client(world: World, options: Options): ClientHalf<Work>;
  /** Made once, in the coordinator's thread. Θ follows from runtime.seed alone. */
  server(world: World, options: Options, runtime: ServerRuntime): ServerHalf | Promise<ServerHalf>;
  /** Options that change the numbers of a round and not its work: a prediction of sweeps takes them as sizes. Default: none. */
  readonly sizes?: readonly string[];
  /** What a run's cost hangs on, for predictions of sweeps; absent: as of a shared model with the tensors of wire.down. */
  cost?(world: World, options: Options, optimizer: OptimizerSetup | null): AlgorithmCost;
};

/** The definition itself, its options and work inferred. */
export const defineAlgorithm = <Options, Work>(definition: AlgorithmDefinition<Options, Work>): AlgorithmDefinition<Options, Work> =>
  definition;

export type AlgorithmCost = {
  /** Multiplications behind one item row of a model. */
  readonly workPerRow: number;
  /** Numbers in Θ, and how many of them each step passes over. */
  readonly parameters: number;
  readonly stepped: number;
};

/** What the engine must know of an algorithm without running it. */
export type Traits = {
  /** What it learns from: ratings, or the mere fact of an interaction. */
  readonly feedback: 'explicit' | 'implicit';
  /** each: the server needs every client update by itself (`accumulate`). sum: weighted sums suffice (`apply`). */
  readonly aggregation: 'each' | 'sum';
  /** Whether it serves users who take no part in training. */
  readonly coldUsers: boolean;
  /** Whose features it reads. */
  readonly features: readonly ('users' | 'items')[];
  /** Shared sections of the configuration that it reads; the others are refused as settings without effect. */
  readonly reads: readonly 'optimizer'[];
};

/** The public facts of a dataset: what the coordinator may know. */
export type World = {
  readonly devices: number;
  readonly items: number;
  /** Lowest and highest rating of the scale. */
  readonly lowest: number;
  readonly highest: number;
};

/**
 * Tensors that cross, in the order in which they travel. A tensor with `perRow` holds one row for each item of the message. In each list
 * the tensors with rows come first.
 */
export type Wire = {
  /** Of a model. */
  readonly down: readonly TensorSpec[];
  /** Of a client update. */
  readonly up: readonly TensorSpec[];
  /** What a device says of itself before its model is made, without rows; default: nothing. */
  readonly context?: readonly TensorSpec[];
};
