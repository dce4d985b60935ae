// Single rows of a generator, u32: at which element each field lies. Two compilers read this file, tsc and AssemblyScript: it holds whole
// numbers, and nothing else.

/** How many rows there are. */
export const count = 0;
/** Of each (u32): its position in the cohort, its item, and the place of its output or the slot of its gradient. */
export const user = 1;
export const item = 2;
export const place = 3;
/** On the way back: gradients (count, s) with respect to the rows, and the first slot that may hold anything. */
export const upstream = 4;
export const fresh = 5;
