// Factors of users and items for the factor kernels, u32: at which element each field lies. Two compilers read this file, tsc and
// AssemblyScript: it holds whole numbers, and nothing else. 0 as a pointer: the model has none.

/** Elements of a row, a multiple of 4, padded with zeros. */
export const k = 0;
/** Vectors of users (m, k) and of items (n, k). */
export const users = 1;
export const items = 2;
/** Biases of users (m) and of items (n). */
export const userBias = 3;
export const itemBias = 4;
/** Implicit vectors of items (n, k). */
export const implicit = 5;
/** Ratings by user: offsets (m + 1), items, values. */
export const offsets = 6;
export const ids = 7;
export const values = 8;
/** Room for 2·k elements. */
export const work = 9;
/** Weights of users (m) and of items (n): a rating counts by their product, and not at all where it is 0. Both or none. */
export const userWeight = 10;
export const itemWeight = 11;
