// How the matrices of a product lie, u32: the element of each field.
// Two compilers read this file, tsc and AssemblyScript. It holds whole numbers, and nothing else.

/** Strides of A in both directions, so that Aᵀ is free. */
export const aRow = 0;
export const aCol = 1;
/** Rows of B and of C; their columns are contiguous. */
export const bRow = 2;
export const cRow = 3;
/** 1: add to C, 0: overwrite. */
export const accumulate = 4;
