// What the passes over rows of a sparse tensor share: where a row's gradient is, and whose turn it is to step the row.

/** The null pointer where the row has none; `slotOf` 0: no row has one. */
// @ts-ignore: decorator
@inline
export function gradientOf(i: i32, slotOf: usize, g: usize, block: usize): usize {
  if (!slotOf) return 0;
  const slot = load<i32>(slotOf + ((<usize>i) << 2));
  return slot < 0 ? 0 : g + <usize>slot * block;
}

/** The states of a row in `due`, as item-rows.ts has them. */
const UP_TO_DATE: i32 = 0, DUE: i32 = 1, TAKEN: i32 = 2;

/** Whether the row is the caller's to step: every row where `due` is 0. */
// @ts-ignore: decorator
@inline
export function take(i: i32, due: usize): bool {
  return !due || atomic.cmpxchg<i32>(due + ((<usize>i) << 2), DUE, TAKEN) == DUE;
}

// @ts-ignore: decorator
@inline
export function release(i: i32, due: usize): void {
  if (due) atomic.store<i32>(due + ((<usize>i) << 2), UP_TO_DATE);
}
