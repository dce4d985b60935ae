const SHIFT = 19;

/** The `count`-th largest of numbers below 2³¹: counted by their upper bits first, so that few are sorted. */
const leastOf = (sizes: Uint32Array, count: number): number => {
  const counts = new Uint32Array(2 ** (31 - SHIFT));
  for (const size of sizes) counts[size >>> SHIFT]! += 1;
  let [upper, above] = [counts.length - 1, 0];
  while (above + counts[upper]! < count) above += counts[upper--]!;
  const alike = new Uint32Array(counts[upper]!);
  let found = 0;
  for (const size of sizes) if (size >>> SHIFT === upper) alike[found++] = size;
  return alike.sort()[found - (count - above)]!;
};

/** Bits of |x|, in whose order the magnitudes of floats are. */
const magnitudes = (tensors: readonly Float32Array[]): Uint32Array => {
  const bits = new Uint32Array(tensors.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const values of tensors) {
    bits.set(new Uint32Array(values.buffer, values.byteOffset, values.length), at);
    at += values.length;
  }
  for (let i = 0; i < bits.length; i++) bits[i]! &= 0x7fffffff;
  return bits;
};

/** Places of the `count` largest numbers of all tensors, which are numbered as if they lay behind each other. Of equal ones, the first. Ascending. */
export const largest = (tensors: readonly Float32Array[], count: number): Uint32Array => {
  const sizes = magnitudes(tensors);
  if (count >= sizes.length) return Uint32Array.from(sizes.keys());
  const least = leastOf(sizes, count);
  let equal = count;
  for (const size of sizes) if (size > least) equal -= 1;
  const places = new Uint32Array(count);
  for (let i = 0, end = 0; end < count; i++) {
    if (sizes[i]! > least || (sizes[i] === least && equal-- > 0)) places[end++] = i;
  }
  return places;
};
