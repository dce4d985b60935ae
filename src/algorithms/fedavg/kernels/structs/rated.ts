// A device's model for the rating kernels, u32: at which element each field lies. Two compilers read this file, tsc and AssemblyScript: it
// holds whole numbers, and nothing else.

/** Elements of an item row and of the user vector, and hidden units: multiples of 4, padded with zeros. */
export const d = 0;
export const f = 1;
/** Item rows (n, d), and room for their gradients. */
export const items = 2;
export const gItems = 3;
/** w1 (f, d), b1 (f), w2 (f), b2 (1 of 4), user (d), one behind the other, and room for their gradients. */
export const w = 4;
export const g = 5;
/** Room for 2·d + f elements. */
export const work = 6;
