import type { KernelPool, KernelTask } from '../kernels/kernels.js';
import { elementsOf, type Parameter } from '../memory/parameter.js';
import * as Kept from '../structs/kept-steps.js';
import { type Range, rowRanges } from './step.js';

/**
 * The steps that rows of a sparse tensor are left to make later. Only few rows have a gradient, and those are stepped at once; a pass over the
 * others, which is most of a small round, is left to threads that have nothing else to do, while the next rounds are under way. A pass that takes
 * longer than a round is not waited for: the steps that come meanwhile are written down, and the next pass makes all of them in one visit of a
 * row, which then comes from memory once for several steps. Each row says how many steps it has behind it; whoever takes it first makes those it
 * owes, so that a row that somebody needs is stepped then. Every row sees the same operations in the same order as without: no bit depends
 * on who was first.
 *
 * A step of all rows at once, their gradients included, may be left in the same way: it takes memory's time, and what comes between two rounds
 * the caller's.
 *
 * Whoever reads or writes the weights or moments of such a tensor brings the rows up to date, or settles all of them, before.
 */
export type Deferral = {
  /** Whether the parameter's untouched rows may wait: it is made for it, there is another thread, and they are most of it. */
  defers(parameter: Parameter): boolean;
  /** Before a step: makes what can be owed no longer, since its parameter does not defer this step or too many steps are owed. */
  makeRoom(): void;
  /** Once rows with a gradient are stepped, and while the gradient still knows them. */
  start(parameters: readonly Parameter[]): void;
  /** Leaves a step of all rows for later, those with a gradient among them; `finish` is told the values of its tasks before anybody sees the rows. */
  leave(tasks: readonly KernelTask[], finish: (values: Float64Array) => void): void;
  /** Makes these rows of the parameter up to date; some of them may be so already. */
  bring(parameter: Parameter, rows: Iterable<number>): void;
  /** Makes every row up to date. */
  settle(): void;
};

/** Steps of a parameter that were left for later: all so far, those that the pass under way makes, and those that every row has behind it. */
type Account = { last: number; passing: number; reached: number };

/** Share of the rows from which on a pass over all of them, on all threads, is the better way. */
const MANY = 1 / 4;
/** Elements × steps that a task of a pass makes: few, since threads look for more urgent work only in between. */
const TASK_STEPS = 1 << 18;
/** So many tasks have room beside each other, or more. */
const MOST_TASKS = 512;

const owedTask = (parameter: Parameter, { first, count }: Range, last: number): KernelTask => {
  const { memory, kind, rows } = parameter;
  const args = [rows, first, count, last] as const;
  switch (kind) {
    case 'element':
      return { kernel: 'adamOwed', memory, args };
    case 'row':
      return { kernel: 'adamRowOwed', memory, args };
    case 'squares':
      return { kernel: 'adagradOwed', memory, args };
    case 'velocity':
      return { kernel: 'momentumOwed', memory, args };
    case 'tensor':
    case 'none':
      throw new Error(`${parameter.name} was not made to be stepped later`);
  }
};

export const createDeferral = (pool: KernelPool): Deferral => {
  const accounts = new Map<Parameter, Account>();
  let isUnderWay = false;
  let endLeft: (() => void) | undefined;
  const madeOf = ({ arena, made, blocks }: Parameter): Int32Array => arena.i32(made, blocks);
  const owes = ({ last, reached }: Account): boolean => reached < last;
  const defers = ({ made, gradient, blocks }: Parameter): boolean => made !== 0 && pool.threads > 1 && gradient.used <= MANY * blocks;

  const owing = (): [Parameter, Account][] => Array.from(accounts).filter(([, account]) => owes(account));

  /** A pass up to the last step, of all that owe any. */
  const pass = (): KernelTask[] => {
    const all = owing();
    const least = all.reduce((sum, [parameter]) => sum + elementsOf(parameter), 0) / MOST_TASKS;
    return all.flatMap(([parameter, account]) => {
      account.passing = account.last;
      const elements = Math.max(least, TASK_STEPS / (account.last - account.reached));
      return rowRanges(parameter, elements).map((rows) => owedTask(parameter, rows, account.last));
    });
  };
  const endPass = (): void => {
    if (isUnderWay) pool.settle();
    isUnderWay = false;
    for (const account of accounts.values()) account.reached = account.passing;
  };
  const endStep = (): void => {
    const end = endLeft;
    endLeft = undefined;
    end?.();
  };
  /** Begins a pass when none is under way. */
  const keepPassing = (): void => {
    if (isUnderWay && pool.isSettled()) endPass();
    if (isUnderWay) return;
    const tasks = pass();
    if (tasks.length === 0) return;
    pool.defer(tasks);
    isUnderWay = true;
  };
  const settle = (): void => {
    endStep();
    endPass();
    pool.run(pass());
    endPass();
  };
  /** Copies the step, which the parameter's next one writes over. */
  const writeDown = (parameter: Parameter): void => {
    const account = accounts.get(parameter) ?? { last: 0, passing: 0, reached: 0 };
    accounts.set(parameter, account);
    account.last += 1;
    const { arena, steps, hyper, gradient } = parameter;
    arena.f64(steps, Kept.steps * Kept.numbers).set(hyper.view, (account.last % Kept.steps) * Kept.numbers);
    const made = madeOf(parameter);
    for (const block of gradient.touched) Atomics.store(made, block, account.last);
  };

  return {
    defers,
    makeRoom: () => {
      endStep();
      const all = owing();
      if (all.some(([parameter]) => !defers(parameter))) settle();
      else if (all.some(([, { last, reached }]) => last - reached === Kept.steps)) endPass();
    },
    start: (parameters) => {
      for (const parameter of parameters) writeDown(parameter);
      keepPassing();
    },
    leave: (tasks, finish) => {
      const wait = pool.defer(tasks);
      endLeft = () => finish(wait());
    },
    bring: (parameter, rows) => {
      endStep();
      keepPassing();
      const account = accounts.get(parameter);
      if (account === undefined || !owes(account)) return;
      const made = madeOf(parameter);
      const { last } = account;
      const wanted = new Set<number>();
      for (const row of rows) if (Atomics.load(made, row) !== last) wanted.add(row);
      if (wanted.size > MANY * parameter.blocks) {
        settle();
        return;
      }
      const make = (left: readonly number[]): number[] => {
        pool.run(left.map((first) => owedTask(parameter, { first, count: 1 }, last)));
        return left.filter((row) => Atomics.load(made, row) !== last);
      };
      // A row that the pass was at it may leave with steps still to make, or be at for long: its thread may not be running.
      const left = make(make(Array.from(wanted)));
      if (left.length > 0) {
        endPass();
        make(left);
      }
    },
    settle,
  };
};
