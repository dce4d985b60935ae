import type { z } from 'zod';
import type { DenseFeature, Feature, MultiHotFeature } from '../../data/features/feature.js';
import type { TensorSpec } from '../../messages/wire-tensor.js';
import type { OptimizerSetup } from '../../tensor/optimizers/setup.js';
import type { ClientHalf } from './client.js';
import type { ServerHalf, ServerRuntime } from './server.js';

/**
 * The port of algorithms that learn on a fleet. A definition is plain code without state. Built-in ones and users' modules are the same.
 * Its server half owns Θ and creates a model for each device of a cohort.
 * Its client half turns a model and private records into a client update.
 * Neither does I/O or knows of threads, encodings, sampling or deadlines. The engine knows nothing of their mathematics.
 *
 *   MetaMF       generates Φ_u; devices return ∂loss/∂Φ_u; one optimizer step a round
 *   FedAvg       sends shared tensors; devices return differences after local epochs
 *   MAML         sends an initialization; devices adapt on a support set and return the query set's gradient
 */
export type AlgorithmDefinition<Options = unknown, Work = unknown> = {
  /** Lower case letters, digits and hyphens. It is also the section of its options in a configuration. */
  readonly name: string;
  /** Changes with every change of its results. It is part of a run's identity. */
  readonly version: string;
  /** One described key with a default for each option. They become flags, documentation and tuning space. */
  readonly options: z.ZodType<Options>;
  readonly traits: Traits;
  /** Throws CONFIG for settings that contradict each other. `optimizer` is null unless traits.reads has it. */
  check?(options: Options, optimizer: OptimizerSetup | null): void;
  /** Names of the options that have no effect with these options. A value for one of them is refused. */
  unused?(options: Options): readonly string[];
  /** The tensors that cross between the halves. */
  wire(world: World, options: Options): Wire;
  /** Called once in each thread that hosts devices. */
  client(world: World, options: Options): ClientHalf<Work>;
  /** Called once, in the coordinator's thread. Θ follows from runtime.seed alone. */
  server(world: World, options: Options, runtime: ServerRuntime): ServerHalf | Promise<ServerHalf>;
  /** Options that are sizes: the prediction of a sweep's cost reads them. Default: none. */
  readonly sizes?: readonly string[];
  /** The numbers that a run's cost depends on, for predictions of sweeps. Default: those of a shared model with the tensors of wire.down. */
  cost?(world: World, options: Options, optimizer: OptimizerSetup | null): AlgorithmCost;
};

/** Returns the definition itself. TypeScript infers its options and its work. */
export const defineAlgorithm = <Options, Work>(definition: AlgorithmDefinition<Options, Work>): AlgorithmDefinition<Options, Work> =>
  definition;

export type AlgorithmCost = {
  /** Multiplications behind one item row of a model. */
  readonly workPerRow: number;
  /** Numbers in Θ, and those that each step passes over. */
  readonly parameters: number;
  readonly stepped: number;
};

/** Facts about an algorithm that the engine needs before it runs. */
export type Traits = {
  /** It learns from ratings, or from the fact of an interaction alone. */
  readonly feedback: 'explicit' | 'implicit';
  /** each: the server needs every client update by itself (`accumulate`). sum: weighted sums suffice (`apply`). */
  readonly aggregation: 'each' | 'sum';
  /** Whether it serves users who take no part in training. */
  readonly coldUsers: boolean;
  /** The features that it reads: of all items, and those of its own user on each device. */
  readonly features: readonly ('users' | 'items')[];
  /** Shared sections of the configuration that it reads. The others are refused as settings without effect. */
  readonly reads: readonly 'optimizer'[];
};

/** The public facts of a dataset, which the coordinator may know. */
export type World = {
  readonly devices: number;
  readonly items: number;
  /** Lowest and highest rating of the scale. */
  readonly lowest: number;
  readonly highest: number;
  /** How many devices take no part in training: the last ones. Their training records are their support sets. Absent: none. */
  readonly cold?: number;
  /** The features of all items, where traits.features has `items`. They are public. */
  readonly itemFeatures?: readonly Feature[];
  /** The form of the features that each device has of its own user (OwnData), where traits.features has `users`. */
  readonly userFeatures?: readonly FeatureForm[];
};

/** A feature without its values. */
export type FeatureForm = Pick<MultiHotFeature, 'name' | 'kind' | 'vocabulary'> | Pick<DenseFeature, 'name' | 'kind' | 'width'>;

/** How many devices take part in training: the first ones. */
export const trainingDevices = ({ devices, cold = 0 }: Pick<World, 'devices' | 'cold'>): number => devices - cold;

/**
 * Tensors that cross, in the order in which they travel. A tensor with `perRow` holds one row for each item of the message.
 * In each list the tensors with rows come first.
 */
export type Wire = {
  /** The tensors of a model. A tensor with `trainingOnly` is sent for training only: `score` neither gets it nor pays for it. */
  readonly down: readonly DownSpec[];
  /** The tensors of a client update. */
  readonly up: readonly TensorSpec[];
  /** Tensors that a device sends before its model is created, without rows. Default: none. */
  readonly context?: readonly TensorSpec[];
  /** Where traits.aggregation is `sum`, the weight of an update: the records it stands for, or 1; default: records. */
  readonly weighting?: 'records' | 'uniform';
};

export type DownSpec = TensorSpec & { readonly trainingOnly?: boolean };

/** Those of the tensors down that a model to measure with has. */
export const measuredTensors = ({ down }: Pick<Wire, 'down'>): readonly DownSpec[] =>
  down.filter(({ trainingOnly }) => trainingOnly !== true);
