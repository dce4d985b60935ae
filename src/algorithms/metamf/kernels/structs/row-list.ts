// Single rows of a generator, u32: the element of each field.
// Two compilers read this file, tsc and AssemblyScript. It holds whole numbers, and nothing else.

/** How many rows there are. */
export const count = 0;
/** For each row (u32): its position in the cohort, its item, and the place of its output or the slot of its gradient. */
export const user = 1;
export const item = 2;
export const place = 3;
/** In the backward pass: gradients (count, s) with respect to the rows, and the first slot that may hold any numbers. */
export const upstream = 4;
export const fresh = 5;
