import { DUE, UP_TO_DATE } from './item-rows.js';
import type { KernelPool } from './kernels.js';
import type { Parameter } from './parameter.js';
import { type LaterRows, rowRanges } from './step.js';

/**
 * The rows that a step leaves for later. Of a sparse tensor only few rows have a gradient, and those are stepped at once; the pass over the
 * others, which is most of a small round, is left to threads that have nothing else to do, while the next round is under way. Each row
 * says in `due` whether its step is still to come; whoever takes it first makes it, so that a row that somebody needs is stepped then.
 * Every row sees the same operations in the same order as without: no bit depends on who was first.
 *
 * Whoever reads or writes the weights or moments of such a tensor brings the rows up to date, or settles all of them, before.
 */
export type Deferral = {
  /** Whether the parameter's untouched rows may wait: it is made for it, there is another thread, and they are most of it. */
  defers(parameter: Parameter): boolean;
  /** Once rows with a gradient are stepped, and while the gradient still knows them. */
  start(updates: readonly LaterRows[]): void;
  /** Makes these rows of the parameter up to date; some of them may be so already. */
  bring(parameter: Parameter, rows: Iterable<number>): void;
  /** Makes every row up to date. */
  settle(): void;
};

/** Share of the rows from which on a pass over all of them, on all threads, is the better way. */
const MANY = 1 / 4;

export const createDeferral = (pool: KernelPool): Deferral => {
  const pending = new Map<Parameter, LaterRows>();
  const dueOf = ({ arena, due, blocks }: Parameter): Int32Array => arena.i32(due, blocks);
  const settle = (): void => {
    if (pending.size === 0) return;
    pool.settle();
    pending.clear();
  };
  return {
    defers: ({ due, gradient, blocks }) => due !== 0 && pool.threads > 1 && gradient.used <= MANY * blocks,
    start: (updates) => {
      settle();
      for (const update of updates) {
        const due = dueOf(update.parameter).fill(DUE);
        for (const block of update.parameter.gradient.touched) due[block] = UP_TO_DATE;
        pending.set(update.parameter, update);
      }
      pool.defer(updates.flatMap(({ parameter, on }) => rowRanges(parameter).map(on)));
    },
    bring: (parameter, rows) => {
      const update = pending.get(parameter);
      if (update === undefined) return;
      const due = dueOf(parameter);
      const wanted = new Set<number>();
      for (const row of rows) if (Atomics.load(due, row) !== UP_TO_DATE) wanted.add(row);
      if (wanted.size > MANY * parameter.blocks) settle();
      else if (wanted.size > 0) {
        pool.run(Array.from(wanted, (first) => update.on({ first, count: 1 })));
        // Another thread may be at one of them just now.
        if (Array.from(wanted).some((row) => Atomics.load(due, row) !== UP_TO_DATE)) settle();
      }
    },
    settle,
  };
};
