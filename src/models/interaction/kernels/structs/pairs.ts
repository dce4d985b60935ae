// A batch of pairs of user and item for the interaction kernels, u32: at which element each field lies. Two compilers read this file, tsc and
// AssemblyScript: it holds whole numbers, and nothing else.

/** Elements of an embedding, d, and of the last hidden layer, f: multiples of 4. */
export const width = 0;
export const last = 1;
/** The user and item of each pair, u32. */
export const users = 2;
export const items = 3;
/** Rows (count, 2·d + 4) of users and of items: an embedding to multiply, one to concatenate, a bias and padding. And their gradients. */
export const userRows = 4;
export const itemRows = 5;
export const userSlopes = 6;
export const itemSlopes = 7;
/** Products (pairs, d), and concatenations (pairs, 2·d) with their gradient. */
export const product = 8;
export const joined = 9;
export const joinedSlopes = 10;
/** The last hidden layer (pairs, f), and its gradient. */
export const hidden = 11;
export const hiddenSlopes = 12;
/** Weights of products (d) and of hidden units (f), and a bias (1 of 4), one behind the other; and their gradient. */
export const output = 13;
export const outputSlopes = 14;
