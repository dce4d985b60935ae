/** Rows in the order of their integer keys, those of one key in their old order: a radix sort, least digits first. Cost: 2 passes for each 11 bits of the range. */
export const sortByKey = (keys: Float64Array): Uint32Array => {
  const count = keys.length;
  let order = Uint32Array.from({ length: count }, (_, row) => row);
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const key of keys) {
    if (key < lowest) lowest = key;
    if (key > highest) highest = key;
  }
  if (!(highest > lowest)) return order;
  let other = new Uint32Array(count);
  const digits = new Uint16Array(count);
  const next = new Uint32Array(RADIX);
  for (let unit = 1; highest - lowest >= unit; unit *= RADIX) {
    next.fill(0);
    for (let row = 0; row < count; row++) {
      const rest = Math.floor((keys[row]! - lowest) / unit);
      const digit = rest - RADIX * Math.floor(rest / RADIX);
      digits[row] = digit;
      next[digit]!++;
    }
    for (let digit = 0, start = 0; digit < RADIX; digit++) {
      start += next[digit]!;
      next[digit] = start - next[digit]!;
    }
    for (let at = 0; at < count; at++) {
      const row = order[at]!;
      other[next[digits[row]!]!++] = row;
    }
    [order, other] = [other, order];
  }
  return order;
};

const RADIX = 2048;
