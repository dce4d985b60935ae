// Two compilers read this file, tsc and AssemblyScript: it holds whole numbers, and nothing else.

/** So many steps are written down for rows that make them later: the last ones, step t at t mod `steps`, a power of two. */
export const steps = 8;
/** Elements of each, laid out as in hyper.ts. */
export const numbers = 8;
