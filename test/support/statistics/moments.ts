export const momentsOf = (values: Float32Array): { mean: number; variance: number; excess: number } => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const power = (degree: number): number => values.reduce((sum, value) => sum + (value - mean) ** degree, 0) / values.length;
  const variance = power(2);
  return { mean, variance, excess: power(4) / variance ** 2 - 3 };
};

/** How many values are in each of so many bins of equal chance; `quantileOf`: their distribution function. */
export const binsOf = (values: Float32Array, bins: number, quantileOf: (value: number) => number): readonly number[] => {
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) counts[Math.min(bins - 1, Math.floor(bins * quantileOf(value)))]! += 1;
  return counts;
};
