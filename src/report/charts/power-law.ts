/**
 * y = factor · x^exponent, fitted by least squares of log y on log x. `deviation` is the exponent's standard error (NaN below three
 * points). `determination` is R² on the logarithms: near 0 where y does not depend on x, however well the fit.
 */
export type PowerLaw = {
  readonly exponent: number;
  readonly factor: number;
  readonly deviation: number;
  readonly determination: number;
  readonly points: number;
};

export type Point = { readonly x: number; readonly y: number };

/** undefined for fewer than two values of x. Points where x or y is not positive have no logarithm and are left out. */
export const fitPowerLaw = (points: readonly Point[]): PowerLaw | undefined => {
  const logs = points.filter(({ x, y }) => x > 0 && y > 0).map(({ x, y }) => ({ x: Math.log(x), y: Math.log(y) }));
  const count = logs.length;
  const mean = { x: logs.reduce((sum, { x }) => sum + x, 0) / count, y: logs.reduce((sum, { y }) => sum + y, 0) / count };
  const sums = { xx: 0, xy: 0, yy: 0 };
  for (const { x, y } of logs) {
    sums.xx += (x - mean.x) ** 2;
    sums.xy += (x - mean.x) * (y - mean.y);
    sums.yy += (y - mean.y) ** 2;
  }
  if (!(sums.xx > 1e-12)) return undefined;
  const exponent = sums.xy / sums.xx;
  const left = Math.max(0, sums.yy - exponent * sums.xy);
  return {
    exponent,
    factor: Math.exp(mean.y - exponent * mean.x),
    deviation: count > 2 ? Math.sqrt(left / (count - 2) / sums.xx) : Number.NaN,
    determination: sums.yy === 0 ? 1 : 1 - left / sums.yy,
    points: count,
  };
};

/** `devices^0.02 ± 0.01`. */
export const describePowerLaw = (name: string, { exponent, deviation }: PowerLaw): string =>
  `${name}^${exponent.toFixed(2)}${Number.isFinite(deviation) ? ` ± ${deviation.toFixed(2)}` : ''}`;
