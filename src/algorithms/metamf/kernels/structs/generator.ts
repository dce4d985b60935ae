// A generator of item rows, u32: the element of each field.
// The numbers stay the same for the life of the generator, so that a task may read them at any time.
// Two compilers read this file, tsc and AssemblyScript. It holds whole numbers, and nothing else.

/** Hidden units, and outputs of an item. */
export const o = 0;
export const s = 1;
/** Weights (n, o, s) and bias (n, s). */
export const w = 2;
export const bias = 3;
