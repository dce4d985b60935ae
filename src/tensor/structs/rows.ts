// A sparse tensor of equal rows (item blocks) and its state, u32: the element of each field.
// The numbers stay the same for the life of the tensor, so that a task may read them at any time.
// Two compilers read this file, tsc and AssemblyScript. It holds whole numbers, and nothing else.

/** Elements of a row. With one second moment for a row, the first `trained` count, and the others are padding. */
export const size = 0;
export const trained = 1;
/** One i32 per row: the slot of its gradient, −1: none. */
export const slotOf = 2;
export const weights = 3;
/** What the rule keeps for them, or null pointers. */
export const moment = 4;
export const variance = 5;
/** If rows are stepped later: one i32 per row, the deferred steps that it has applied, and the last steps (kept-steps.ts). */
export const stepsApplied = 6;
export const steps = 7;
