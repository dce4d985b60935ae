// A batch of rows for the column kernels, u32: at which element each field lies. Two compilers read this file, tsc and AssemblyScript: it
// holds whole numbers, and nothing else.

/** Elements of a row of every matrix below: a multiple of 4. */
export const width = 0;
/** The hidden units of each slot (slots, width), and their gradient. */
export const hidden = 1;
export const slopes = 2;
/** Cells of column c: starts[c] … starts[c + 1] − 1 of slot (u32) and value (f32). */
export const starts = 3;
export const slot = 4;
export const value = 5;
/** V (columns, width) and its two moments. */
export const encoder = 6;
export const encoderMoment = 7;
export const encoderVariance = 8;
/** W (columns, width), b (columns), and their moments. */
export const decoder = 9;
export const decoderMoment = 10;
export const decoderVariance = 11;
export const bias = 12;
export const biasMoment = 13;
export const biasVariance = 14;
/** Room for `width` elements. */
export const work = 15;
