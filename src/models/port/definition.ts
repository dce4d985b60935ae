import type { z } from 'zod';
import type { Ratings } from '../../data/dataset.js';
import type { Feature } from '../../data/features/feature.js';
import type { Engine } from './engine.js';
import type { Epoch } from './epoch.js';
import type { ModelTensor } from './tensors.js';

/**
 * The port of central models: recommenders that see every training rating in one place. A definition is plain code without state.
 * Built-in ones and users' modules are the same. The engine owns the loop, early stopping, checkpoints and measurements.
 *
 *   biased MF   create → tensors; epoch: one pass of descent over the ratings; scores: μ + b_u + b_i + p·q
 *   EASE        create → tensors; fit: the closed form; scores: a row product
 */
export type ModelDefinition<Options = unknown> = {
  /** Lower case letters, digits and hyphens. It is also the section of its options in a configuration. */
  readonly name: string;
  /** Changes with every change of its results. It is part of a run's identity. */
  readonly version: string;
  /** One line: what it is, for people. */
  readonly title: string;
  /** Where it is published: authors, title, place, year. */
  readonly paper: string;
  /** One described key with a default for each option. They become flags, documentation and tuning space. */
  readonly options: z.ZodType<Options>;
  readonly traits: ModelTraits;
  /** What a run has where its configuration does not say otherwise. */
  readonly defaults?: ModelDefaults;
  /** Throws CONFIG for settings that contradict each other. */
  check?(options: Options): void;
  /** Names of the options that have no effect with these options. A value for one of them is refused. */
  unused?(options: Options): readonly string[];
  /** Called once, in the thread of the run. All it draws comes from `engine.random`, so that a seed gives the same bits. */
  create(facts: Facts, options: Options, engine: Engine): Model | Promise<Model>;
};

/** Returns the definition itself. TypeScript infers its options. */
export const defineModel = <Options>(definition: ModelDefinition<Options>): ModelDefinition<Options> => definition;

export type ModelTraits = {
  /** rating: scores are ratings, which measurements clip to the scale. ranking: only their order means something. */
  readonly task: 'rating' | 'ranking';
  /** It learns from ratings, or from the fact of an interaction alone. */
  readonly feedback: 'explicit' | 'implicit';
  /** epochs: it learns in passes (`epoch`). closed: it is done after one call of `fit`. */
  readonly training: 'epochs' | 'closed';
  /** It also learns from these features, where the dataset has them. They are part of a run's identity then. */
  readonly features?: readonly ('users' | 'items')[];
};

/** `metrics`: those to measure; the first, or mse, decides on the best epoch. */
export type ModelDefaults = { readonly epochs?: number; readonly patience?: number; readonly metrics?: readonly string[] };

/** What a model learns from. Users are 0 … users − 1, items 0 … items − 1. */
export type Facts = {
  readonly users: number;
  readonly items: number;
  /** Lowest and highest rating of the scale. */
  readonly lowest: number;
  readonly highest: number;
  /** Mean training rating; the middle of the scale where there is none. */
  readonly mean: number;
  /** Training ratings as columns, sorted by user. */
  readonly train: Ratings;
  /** Those that the dataset has, where traits.features names them. */
  readonly userFeatures?: readonly Feature[];
  readonly itemFeatures?: readonly Feature[];
};

/** A model in training. It has `epoch`, or `fit` where traits.training is `closed`. */
export type Model = {
  /** All that scores depend on, and all that training needs to go on: what engine.tensor returned, in this order. */
  readonly tensors: readonly ModelTensor[];
  /** One pass of training. Returns the mean training loss, in the units of the model's own objective. */
  epoch?(epoch: Epoch): number | Promise<number>;
  /** The closed form. Returns the loss, or null where there is none. */
  fit?(): number | null | Promise<number | null>;
  /** Called before scores are asked for, after tensors have changed: the place for sums that all scores share. */
  prepare?(): void | Promise<void>;
  /** Writes the score of each item for a user: out[i] is that of items[i]. Items are distinct. */
  scores(user: number, items: Uint32Array, out: Float32Array): void;
  /** Writes the scores of every item for some users, row by row, where that is cheaper together: out is (users, items). */
  scoreAll?(users: Uint32Array, out: Float32Array): void;
  close?(): void | Promise<void>;
};
