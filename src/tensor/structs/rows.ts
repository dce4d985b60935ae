// A sparse tensor of equal rows (item blocks) and what lies with it, u32: at which element each field lies. The numbers stay the same for
// the life of the tensor, so that a task may read them at any time. Two compilers read this file, tsc and AssemblyScript: it holds whole
// numbers, and nothing else.

/** Elements of a row, and those of them that count where a row has one second moment: the rest is padding. */
export const size = 0;
export const trained = 1;
/** One i32 per row: the slot of its gradient, −1: none. */
export const slotOf = 2;
export const weights = 3;
/** What the rule keeps of them; null pointers where it keeps nothing. */
export const moment = 4;
export const variance = 5;
/** Of rows that are stepped later: one i32 per row, how many steps it has behind it, and the steps written down (kept-steps.ts). */
export const made = 6;
export const steps = 7;
