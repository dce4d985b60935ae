/** Pearson's statistic of observed counts against expected ones. */
export const chiSquare = (observed: ArrayLike<number>, expected: (cell: number) => number): number => {
  let statistic = 0;
  for (let cell = 0; cell < observed.length; cell++) statistic += (observed[cell]! - expected(cell)) ** 2 / expected(cell);
  return statistic;
};

/** What a statistic with so many degrees of freedom exceeds with probability 10⁻⁴ (Wilson & Hilferty, 1931). Seeds are fixed: no test is random. */
export const chiSquareLimit = (freedom: number): number => {
  const spread = 2 / (9 * freedom);
  return freedom * (1 - spread + 3.719 * Math.sqrt(spread)) ** 3;
};
