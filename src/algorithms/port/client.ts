import type { Random } from '../../base/random.js';

/** A device's private records, in the order in which its user made them. They are never part of a message. */
export type Interactions = { readonly items: Uint32Array; readonly values: Float32Array };

/** What a device may learn from. Held-out records belong to the engine. */
export type OwnData = {
  readonly train: Interactions;
  /** Features of its own user, in the order of World.userFeatures. Absent unless traits.features has `users`. They are never part of a message. */
  readonly features?: readonly OwnFeature[];
};

/** Places in the vocabulary of a multi-hot feature, or the numbers of a dense one. */
export type OwnFeature = Uint32Array | Float32Array;

/** A request to a device. */
export type Task =
  | {
      readonly purpose: 'train';
      /** Counted from 1. */
      readonly round: number;
      /** The part of the training records that the run's `ratings` setting allows in a round. */
      readonly batch: Interactions;
    }
  | {
      readonly purpose: 'evaluate';
      readonly round: number;
      /** Items to score, distinct or not, in any order. */
      readonly candidates: Uint32Array;
    };

/** The rows that a device needs for a task, and its work. A plan is the same at every call: a round may run again. */
export type Plan<Work> = {
  /** Items whose rows the model must have, in any order. null: every item. */
  readonly rows: Uint32Array | readonly number[] | null;
  /** The tensors of wire.context. Absent if there are none. */
  readonly context?: readonly Float32Array[];
  /** The input of `update`, `score` and `operations`: support and query set, negatives, candidate items. */
  readonly work: Work;
};

/** The item rows of a model: those that a device asked for, ascending. null: all. */
export type Rows = Uint32Array | null;

/** A model on a device: the tensors of wire.down. Tensors with rows follow the order of `rows`. `score` gets none that is for training only. */
export type LocalModel = { readonly rows: Rows; readonly tensors: readonly Float32Array[] };

/** A client update before update steps and encoding. */
export type LocalUpdate = {
  /** The number of its records: its weight in a mean. */
  readonly count: number;
  /** Σ of the loss over these records, before the step. */
  readonly loss: number;
  /** Items of its row tensors, ascending. */
  readonly rows: Uint32Array;
  /** The tensors of wire.up. Tensors with rows follow the order of `rows`. */
  readonly tensors: readonly Float32Array[];
  /** The device's private state after the step, of the same length. Absent: unchanged. */
  readonly state?: Float32Array;
};

/** Numbers that a device keeps from round to round and never sends, such as a user vector. */
export type PrivateStateSpec = {
  /** The number of float32, or a function of the device's number of training records. */
  readonly size: number | ((records: number) => number);
  /** The first state, of this size. */
  initial(source: Random, size: number): Float32Array;
};

export type ClientHalf<Work = unknown> = {
  /** Absent: devices keep nothing between rounds. */
  readonly state?: PrivateStateSpec;
  /** A pure function of its arguments. `source` is keyed by (seed, round, device). */
  plan(own: OwnData, task: Task, source: Random, state: Float32Array): Plan<Work>;
  /** One client update. `state` is not changed. */
  update(model: LocalModel, own: OwnData, work: Work, source: Random, state: Float32Array): LocalUpdate;
  /** Scores of the task's candidate items in their order, after the algorithm's own adaptation. With explicit feedback they are predicted ratings. */
  score(model: LocalModel, own: OwnData, work: Work, state: Float32Array): Float32Array;
  /**
   * Vectors of the items of a model with a row for every item, one behind the other, all of one width. Similar items have similar vectors.
   * Recommendations are explained by them. Absent: the widest tensor with rows.
   */
  itemVectors?(model: LocalModel): Float32Array;
  /** Floating-point operations of `update`. A multiplication and an addition count as two. Absent: none are counted. */
  operations?(work: Work): number;
};
