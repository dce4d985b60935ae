import type { KernelTask } from '../kernels/kernels.js';
import { elementsOf, type Parameter } from '../memory/parameter.js';
import * as Kept from '../structs/kept-steps.js';
import { type Range, rowRanges } from './step.js';

/**
 * How far the rows of one parameter are with their deferred steps, counted from its first one.
 *
 *   last      steps deferred so far
 *   passing   the step up to which the pass under way goes
 *   reached   the step that every row has applied
 */
export type StepProgress = { last: number; passing: number; reached: number };

/** The parameters that have deferred a step, in the order of their first one. */
export type ProgressByParameter = Map<Parameter, StepProgress>;

/** Elements × steps of one task of a pass. A task is small, because threads look for urgent work only between tasks. */
const TASK_STEPS = 1 << 18;
/** A pass has about this many tasks at most: so many have room in the deferred lane. */
const MOST_TASKS = 512;

export const hasPending = ({ last, reached }: StepProgress): boolean => reached < last;

export const allPending = (progress: ProgressByParameter): [Parameter, StepProgress][] =>
  Array.from(progress).filter(([, ofParameter]) => hasPending(ofParameter));

/** Applies the pending steps up to `last` to a range of rows. */
export const pendingTask = (parameter: Parameter, { first, count }: Range, last: number): KernelTask => {
  const { memory, kind, rows } = parameter;
  const args = [rows, first, count, last] as const;
  switch (kind) {
    case 'element':
      return { kernel: 'adamPending', memory, args };
    case 'row':
      return { kernel: 'adamRowPending', memory, args };
    case 'squares':
      return { kernel: 'adagradPending', memory, args };
    case 'velocity':
      return { kernel: 'momentumPending', memory, args };
    case 'tensor':
    case 'none':
      throw new Error(`${parameter.name} was not made to be stepped later`);
  }
};

/** A pass over all rows of all parameters with pending steps, up to the last step. It is recorded as under way. */
export const beginPass = (progress: ProgressByParameter): KernelTask[] => {
  const pending = allPending(progress);
  const least = pending.reduce((sum, [parameter]) => sum + elementsOf(parameter), 0) / MOST_TASKS;
  return pending.flatMap(([parameter, ofParameter]) => {
    ofParameter.passing = ofParameter.last;
    const elements = Math.max(least, TASK_STEPS / (ofParameter.last - ofParameter.reached));
    return rowRanges(parameter, elements).map((rows) => pendingTask(parameter, rows, ofParameter.last));
  });
};

/** Records that every row has what the pass applies. */
export const recordPass = (progress: ProgressByParameter): void => {
  for (const ofParameter of progress.values()) ofParameter.reached = ofParameter.passing;
};

/** Where the parameter counts the steps that each row has applied. */
export const stepsAppliedOf = ({ arena, stepsApplied, blocks }: Parameter): Int32Array => arena.i32(stepsApplied, blocks);

/** Records one more deferred step. The rows with a gradient have it already. Its hyperparameters are copied: the next step overwrites them. */
export const recordStep = (progress: ProgressByParameter, parameter: Parameter): void => {
  const ofParameter = progress.get(parameter) ?? { last: 0, passing: 0, reached: 0 };
  progress.set(parameter, ofParameter);
  ofParameter.last += 1;
  const { arena, steps, hyper, gradient } = parameter;
  arena.f64(steps, Kept.steps * Kept.numbers).set(hyper.view, (ofParameter.last % Kept.steps) * Kept.numbers);
  const applied = stepsAppliedOf(parameter);
  for (const block of gradient.touched) Atomics.store(applied, block, ofParameter.last);
};
