// A batch of rows for the column kernels, u32: at which element each field lies. Two compilers read this file, tsc and AssemblyScript: it
// holds whole numbers, and nothing else.

/** Elements of a row of every matrix below: a multiple of 4. */
export const width = 0;
/** The hidden units of each slot (slots, width), and their gradient. */
export const hidden = 1;
export const slopes = 2;
/** Cells of column c: starts[c] … starts[c + 1] − 1 of slot (u32), input and value (f32): what is encoded, and what the decoder shall give. */
export const starts = 3;
export const slot = 4;
export const input = 5;
export const value = 6;
/** V (columns, width) and its two moments. */
export const encoder = 7;
export const encoderMoment = 8;
export const encoderVariance = 9;
/** W (columns, width), b (columns), and their moments. */
export const decoder = 10;
export const decoderMoment = 11;
export const decoderVariance = 12;
export const bias = 13;
export const biasMoment = 14;
export const biasVariance = 15;
/** Room for `width` elements. */
export const work = 16;
