// A generated model on a device, u32: the element of each field.
// Two compilers read this file, tsc and AssemblyScript. It holds whole numbers, and nothing else.

/** Numbers of an item row, elements of an item embedding, hidden units. */
export const s = 0;
export const d = 1;
export const f = 2;
/** 1: a row's first number is also an offset of its item. */
export const offset = 3;
/** Item rows (n, s), float64, each padded with a zero to an even number of elements. */
export const low = 4;
/** rise (s, d), w1 (d, f), b1 (f), w2 (f), b2 (1), one behind the other, float64. Rows of w1, b1 and w2 are padded as those of low. */
export const dense = 5;
/** Room for (2·s + 4)·f + f·s + f·d float64, all even, zero at first. */
export const work = 6;
