// The common part of passes over rows of a sparse tensor: where a row's gradient is, and its pending steps.
import * as Kept from '../structs/kept-steps';

/** The null pointer where the row has none. */
// @ts-ignore: decorator
@inline
export function gradientOf(i: i32, slotOf: usize, g: usize, block: usize): usize {
  const slot = load<i32>(slotOf + ((<usize>i) << 2));
  return slot < 0 ? 0 : g + <usize>slot * block;
}

/** In `stepsApplied`: a caller is stepping the row. */
const TAKEN: i32 = -1;

/** Takes a row with pending steps up to `last`, and returns how many it has applied. −1: it has none, or another caller steps it. */
// @ts-ignore: decorator
@inline
export function take(i: i32, stepsApplied: usize, last: i32): i32 {
  const at = stepsApplied + ((<usize>i) << 2), steps = atomic.load<i32>(at);
  return steps != TAKEN && steps < last && atomic.cmpxchg<i32>(at, steps, TAKEN) == steps ? steps : TAKEN;
}

// @ts-ignore: decorator
@inline
export function release(i: i32, stepsApplied: usize, last: i32): void {
  atomic.store<i32>(stepsApplied + ((<usize>i) << 2), last);
}

/** Where the hyperparameters of a step are. */
// @ts-ignore: decorator
@inline
export function stepAt(steps: usize, step: i32): usize {
  return steps + ((<usize>((step & (Kept.steps - 1)) * Kept.numbers)) << 3);
}
