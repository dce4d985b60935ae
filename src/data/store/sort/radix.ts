/** Rows in the order of their keys, those of one key in their old order, and the keys in this order. */
export type SortedKeys = { readonly order: Uint32Array; readonly keys: Float64Array };

/** Bits of a digit: the places that a digit is dealt to stay in the processor's cache. */
const DIGIT = 11;

/** A radix sort of integer keys, least digits first. Cost: a pass for each 11 bits of the range, after one that counts the digits. */
export const sortByKey = (keys: Float64Array): SortedKeys => {
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const key of keys) {
    if (key < lowest) lowest = key;
    if (key > highest) highest = key;
  }
  const order = new Uint32Array(keys.length);
  for (let row = 0; row < order.length; row++) order[row] = row;
  if (!(highest > lowest)) return { order, keys };
  return highest - lowest < 2 ** 32 ? sortNarrow(keys, lowest, highest - lowest, order) : sortWide(keys, lowest, highest - lowest, order);
};

/** Starts of digits, from how often each occurs. */
const startsOf = (counts: Uint32Array): void => {
  for (let digit = 0, start = 0; digit < counts.length; digit++) {
    start += counts[digit]!;
    counts[digit] = start - counts[digit]!;
  }
};

/** Distances from the lowest key that are 32-bit numbers, whose digits are bits. */
const sortNarrow = (keys: Float64Array, lowest: number, range: number, given: Uint32Array<ArrayBuffer>): SortedKeys => {
  const count = keys.length;
  const bits = 32 - Math.clz32(range);
  const passes = Math.ceil(bits / DIGIT);
  const width = Math.ceil(bits / passes);
  const mask = 2 ** width - 1;
  let [distances, order] = [new Uint32Array(count), given];
  for (let row = 0; row < count; row++) distances[row] = keys[row]! - lowest;
  let [otherDistances, otherOrder] = [new Uint32Array(count), new Uint32Array(count)];
  const next = new Uint32Array(mask + 1);
  for (let shift = 0; shift < bits; shift += width) {
    next.fill(0);
    for (let at = 0; at < count; at++) next[(distances[at]! >>> shift) & mask]!++;
    startsOf(next);
    for (let at = 0; at < count; at++) {
      const distance = distances[at]!;
      const to = next[(distance >>> shift) & mask]!++;
      otherDistances[to] = distance;
      otherOrder[to] = order[at]!;
    }
    [distances, otherDistances] = [otherDistances, distances];
    [order, otherOrder] = [otherOrder, order];
  }
  const sorted = new Float64Array(count);
  for (let at = 0; at < count; at++) sorted[at] = lowest + distances[at]!;
  return { order, keys: sorted };
};

const RADIX = 2 ** DIGIT;

/** Digits by division: slower, and for keys that lie far apart. */
const sortWide = (keys: Float64Array, lowest: number, range: number, given: Uint32Array<ArrayBuffer>): SortedKeys => {
  const count = keys.length;
  let [order, other] = [given, new Uint32Array(count)];
  const digits = new Uint16Array(count);
  const next = new Uint32Array(RADIX);
  for (let unit = 1; range >= unit; unit *= RADIX) {
    next.fill(0);
    for (let row = 0; row < count; row++) {
      const rest = Math.floor((keys[row]! - lowest) / unit);
      const digit = rest - RADIX * Math.floor(rest / RADIX);
      digits[row] = digit;
      next[digit]!++;
    }
    startsOf(next);
    for (let at = 0; at < count; at++) {
      const row = order[at]!;
      other[next[digits[row]!]!++] = row;
    }
    [order, other] = [other, order];
  }
  const sorted = new Float64Array(count);
  for (let at = 0; at < count; at++) sorted[at] = keys[order[at]!]!;
  return { order, keys: sorted };
};
