import type { KernelPool, KernelTask } from '../kernels/kernels.js';
import type { Parameter } from '../memory/parameter.js';
import * as Kept from '../structs/kept-steps.js';
import {
  allPending,
  beginPass,
  hasPending,
  type ProgressByParameter,
  pendingTask,
  recordPass,
  recordStep,
  stepsAppliedOf,
} from './step-progress.js';

/**
 * Steps of rows of sparse tensors that are applied later.
 *
 * Few rows have a gradient, and those are stepped at once. A pass over the other rows is most of the cost of a small round.
 * Threads without other work do it while the next rounds run.
 *
 * No round waits for a pass that takes longer than the round. Its step is recorded as pending.
 * The next pass applies all pending steps in one visit of a row, so that the row comes from memory once for several steps.
 *
 * Each row counts the steps that it has applied. A row that is needed is caught up first.
 * Every row sees the same operations in the same order as without deferral. No bit depends on which thread was first.
 *
 * A step of all rows, those with a gradient included, can be deferred in the same way.
 * It is bound by memory, and the caller's thread has other work between two rounds.
 *
 * Before a caller reads or writes weights or moments of such a tensor, it calls `catchUp` for the rows, or `settle`.
 */
export type Deferral = {
  /** Whether the parameter's untouched rows may wait: it was created for it, there is another thread, and few rows have a gradient. */
  defers(parameter: Parameter): boolean;
  /** Before a step: applies pending steps that cannot stay pending. Their parameter does not defer this step, or there is no room for one more. */
  makeRoom(): void;
  /** Defers a step of the rows without a gradient. Called when the other rows are stepped, before the gradient is cleared. */
  deferRows(parameters: readonly Parameter[]): void;
  /** Defers a step of all rows, those with a gradient included. `finish` gets the values of the tasks before a caller sees the rows. */
  deferAll(tasks: readonly KernelTask[], finish: (values: Float64Array) => void): void;
  /** Applies all pending steps of these rows of the parameter. Rows without any stay as they are. */
  catchUp(parameter: Parameter, rows: Iterable<number>): void;
  /** Applies all pending steps of all rows. */
  settle(): void;
};

/** From this share of the rows on, a pass over all rows on all threads is faster. */
const MANY = 1 / 4;

export const createDeferral = (pool: KernelPool): Deferral => {
  const progress: ProgressByParameter = new Map();
  let isUnderWay = false;
  let endDeferred: (() => void) | undefined;
  const defers = ({ stepsApplied, gradient, blocks }: Parameter): boolean =>
    stepsApplied !== 0 && pool.threads > 1 && gradient.used <= MANY * blocks;

  const endPass = (): void => {
    if (isUnderWay) pool.settle();
    isUnderWay = false;
    recordPass(progress);
  };
  const endStep = (): void => {
    const end = endDeferred;
    endDeferred = undefined;
    end?.();
  };
  /** Starts a pass if none is under way. */
  const keepPassing = (): void => {
    if (isUnderWay && pool.isSettled()) endPass();
    if (isUnderWay) return;
    const tasks = beginPass(progress);
    if (tasks.length === 0) return;
    pool.defer(tasks);
    isUnderWay = true;
  };
  const settle = (): void => {
    endStep();
    endPass();
    pool.run(beginPass(progress));
    endPass();
  };
  /** Returns the rows that another thread holds. They have pending steps still. */
  const apply = (parameter: Parameter, rows: readonly number[], applied: Int32Array, last: number): number[] => {
    pool.run(rows.map((first) => pendingTask(parameter, { first, count: 1 }, last)));
    return rows.filter((row) => Atomics.load(applied, row) !== last);
  };
  const catchUp = (parameter: Parameter, rows: Iterable<number>): void => {
    endStep();
    keepPassing();
    const ofParameter = progress.get(parameter);
    if (ofParameter === undefined || !hasPending(ofParameter)) return;
    const applied = stepsAppliedOf(parameter);
    const { last } = ofParameter;
    const wanted = new Set<number>();
    for (const row of rows) if (Atomics.load(applied, row) !== last) wanted.add(row);
    if (wanted.size > MANY * parameter.blocks) {
      settle();
      return;
    }
    // The pass may hold a row, and release it with newer steps pending. It may hold it for long: the system may have paused its thread.
    const held = apply(parameter, apply(parameter, Array.from(wanted), applied, last), applied, last);
    if (held.length === 0) return;
    endPass();
    apply(parameter, held, applied, last);
  };

  return {
    defers,
    makeRoom: () => {
      endStep();
      const pending = allPending(progress);
      if (pending.some(([parameter]) => !defers(parameter))) settle();
      else if (pending.some(([, { last, reached }]) => last - reached === Kept.steps)) endPass();
    },
    deferRows: (parameters) => {
      for (const parameter of parameters) recordStep(progress, parameter);
      keepPassing();
    },
    deferAll: (tasks, finish) => {
      const wait = pool.defer(tasks);
      endDeferred = () => finish(wait());
    },
    catchUp,
    settle,
  };
};
