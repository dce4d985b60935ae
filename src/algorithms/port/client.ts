import type { Random } from '../../base/random.js';

/** A device's private records, in the order in which its user made them: never part of a message. */
export type Interactions = { readonly items: Uint32Array; readonly values: Float32Array };

/** What a device may learn from. Held-out records are the engine's. */
export type OwnData = { readonly train: Interactions };

/** What a device is asked for. */
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

/** What a device needs for a task, and what it will do: the same each time it is asked, since a round may be run again. */
export type Plan<Work> = {
  /** Items whose rows the model must have, in any order; null: every item. */
  readonly rows: Uint32Array | readonly number[] | null;
  /** The tensors of wire.context; absent where there are none. */
  readonly context?: readonly Float32Array[];
  /** Support, query, negatives, candidates: whatever `update`, `score` and `operations` want to know. */
  readonly work: Work;
};

/** The item rows of a model: those a device asked for, ascending, or null for all. */
export type Rows = Uint32Array | null;

/** A model as a device holds it: the tensors of wire.down, those with rows in the order of `rows`. */
export type LocalModel = { readonly rows: Rows; readonly tensors: readonly Float32Array[] };

/** A client update before update steps and encoding. */
export type LocalUpdate = {
  /** Records it stands for: its weight in a mean. */
  readonly count: number;
  /** Σ of the loss over these records, before the step. */
  readonly loss: number;
  /** Items of its row tensors, ascending. */
  readonly rows: Uint32Array;
  /** The tensors of wire.up, those with rows aligned with `rows`. */
  readonly tensors: readonly Float32Array[];
  /** The device's private state after the step, of the same length; absent: unchanged. */
  readonly state?: Float32Array;
};

/** Numbers that a device keeps from round to round and never sends, such as a user vector. */
export type PrivateStateSpec = {
  /** How many float32, or how many by the device's number of training records. */
  readonly size: number | ((records: number) => number);
  /** At the start, of that size. */
  initial(source: Random, size: number): Float32Array;
};

export type ClientHalf<Work = unknown> = {
  /** Absent: devices keep nothing between rounds. */
  readonly state?: PrivateStateSpec;
  /** A pure function of its arguments. `source` is keyed by (seed, round, device). */
  plan(own: OwnData, task: Task, source: Random, state: Float32Array): Plan<Work>;
  /** One client update. `state` is not changed. */
  update(model: LocalModel, own: OwnData, work: Work, source: Random, state: Float32Array): LocalUpdate;
  /** Scores of the task's candidates in their order, predicted ratings where feedback is explicit, after the adaptation that the algorithm prescribes. */
  score(model: LocalModel, own: OwnData, work: Work, state: Float32Array): Float32Array;
  /** Floating-point operations of `update`, a multiplication and an addition counted as two; absent: none are counted. */
  operations?(work: Work): number;
};
