/** The value at `rank` of the ascending order (Hoare, "Algorithm 65: find", 1961). Reorders the values. */
export const atRank = (values: Uint32Array, rank: number): number => {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const pivot = values[(low + high) >> 1]!;
    let [i, j] = [low, high];
    while (i <= j) {
      while (values[i]! < pivot) i += 1;
      while (values[j]! > pivot) j -= 1;
      if (i > j) break;
      const kept = values[i]!;
      values[i++] = values[j]!;
      values[j--] = kept;
    }
    if (rank <= j) high = j;
    else if (rank >= i) low = i;
    else break;
  }
  return values[rank]!;
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
  const least = atRank(sizes.slice(), sizes.length - count);
  let equal = count;
  for (const size of sizes) if (size > least) equal -= 1;
  const places = new Uint32Array(count);
  for (let i = 0, end = 0; end < count; i++) {
    if (sizes[i]! > least || (sizes[i] === least && equal-- > 0)) places[end++] = i;
  }
  return places;
};
