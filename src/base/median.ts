/** The middle value of ascending values, or the mean of the two middle ones. NaN of none. */
export const middleOf = (sorted: Float64Array): number => {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/**
 * The middle value of an odd number of values, the mean of the two middle ones of an even number, NaN of none. The order of the
 * values does not matter, and they stay as they are.
 */
export const median = (values: ArrayLike<number>): number => middleOf(Float64Array.from(values).sort());
