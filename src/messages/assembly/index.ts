// Conversions of numbers on the wire, for convert.ts. float16.ts and rounding.ts are their specification: the results have the same bits.
// Counts arrive as i32, pointers as usize of any alignment. Counts of f16 are multiples of 8, groups of int8 multiples of 4.
export { encodeHalves, decodeHalves } from './halves';
export { scaleRows, roundRows, spreadRows } from './rows';
