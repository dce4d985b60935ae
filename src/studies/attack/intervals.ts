/** The two-sided 95 % quantile of the standard normal distribution. */
const Z = 1.959963984540054;

/** Lower and upper end of a 95 % interval. */
export type Interval = readonly [low: number, high: number];

/** Wilson's interval of a proportion (Wilson, JASA 1927). null: there was no trial. */
export const wilson = (hits: number, trials: number): Interval | null => {
  if (trials === 0) return null;
  const share = hits / trials;
  const scale = 1 + (Z * Z) / trials;
  const middle = (share + (Z * Z) / (2 * trials)) / scale;
  const half = (Z * Math.sqrt((share * (1 - share)) / trials + (Z * Z) / (4 * trials * trials))) / scale;
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
};
