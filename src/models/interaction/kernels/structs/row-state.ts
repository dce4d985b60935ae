// Rows and what Adam keeps for them, u32: the element of each field. Two compilers read this file: it holds whole numbers, and nothing else.

export const weights = 0;
export const moment = 1;
export const variance = 2;
export const slopes = 3;
