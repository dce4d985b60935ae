// Two compilers read this file, tsc and AssemblyScript. It holds whole numbers, and nothing else.

/** So many deferred steps are kept: the last ones, step t at t mod `steps`. A power of two. */
export const steps = 8;
/** Elements of each step, as in hyper.ts. */
export const numbers = 8;
