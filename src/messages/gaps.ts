import { badInput } from '../base/errors.js';

/**
 * Ascending whole numbers below 2³² as gaps: each is what lies between it and the one before, in LEB128. A byte has seven bits, the lowest
 * first. Its top bit says that another byte follows.
 */
export const encodeGaps = (ascending: Uint32Array): Uint8Array => {
  const out = new Uint8Array(5 * ascending.length);
  let [end, next] = [0, 0];
  for (const value of ascending) {
    let gap = value - next;
    for (; gap > 127; gap = Math.floor(gap / 128)) out[end++] = (gap & 127) | 128;
    out[end++] = gap;
    next = value + 1;
  }
  return out.subarray(0, end);
};

/** Bytes that do not have a successor: one for each number. */
const countGaps = (bytes: Uint8Array): number => {
  let count = 0;
  for (const byte of bytes) count += 1 - (byte >> 7);
  return count;
};

/** The numbers, all below `bound`. Throws MESSAGE, naming `place`, for bytes that `encodeGaps` does not write. */
export const decodeGaps = (bytes: Uint8Array, bound: number, place: () => string): Uint32Array => {
  const out = new Uint32Array(countGaps(bytes));
  let [at, next] = [0, 0];
  for (let i = 0; i < out.length; i++) {
    let [gap, unit, byte] = [0, 1, 0];
    do {
      byte = bytes[at++]!;
      gap += (byte & 127) * unit;
      unit *= 128;
    } while (byte > 127 && unit < 2 ** 35);
    if (byte > 127 || (byte === 0 && unit > 128)) throw badInput('MESSAGE', place(), 'gaps of at most 5 bytes, none padded', 'others');
    const value = next + gap;
    if (value >= bound) throw badInput('MESSAGE', place(), `numbers below ${bound}`, String(value));
    out[i] = value;
    next = value + 1;
  }
  if (at < bytes.length) throw badInput('MESSAGE', place(), 'whole gaps', 'the beginning of one');
  return out;
};
