/**
 * Chebyshev coefficients of log(erfc(x) · e^(x²) · (2 + x) / 2) in ty = 8 / (2 + x) − 2 (Press et al., "Numerical recipes", 3rd edition, section 6.2.2).
 */
const CHEBYSHEV = [
  -1.3026537197817094, 0.6419697923564903, 1.9476473204185836e-2, -9.561514786808631e-3, -9.46595344482036e-4, 3.66839497852761e-4,
  4.2523324806907e-5, -2.0278578112534e-5, -1.624290004647e-6, 1.30365583558e-6, 1.5626441722e-8, -8.5238095915e-8, 6.529054439e-9,
  5.059343495e-9, -9.91364156e-10, -2.27365122e-10, 9.6467911e-11, 2.394038e-12, -6.886027e-12, 8.94487e-13, 3.13092e-13, -1.12708e-13,
  3.81e-16, 7.106e-15, -1.523e-15, -9.4e-17, 1.21e-16, -2.8e-17,
] as const;

/** log erfc(x) for x ≥ 0: finite for any finite x, so that tails lose no digits. */
const logErfcRight = (x: number): number => {
  const t = 2 / (2 + x);
  const ty = 4 * t - 2;
  let [d, dd] = [0, 0];
  for (let j = CHEBYSHEV.length - 1; j > 0; j--) [d, dd] = [ty * d - dd + CHEBYSHEV[j]!, d];
  return Math.log(t) - x * x + 0.5 * (CHEBYSHEV[0] + ty * d) - dd;
};

/** log erfc(x), with a relative error of erfc of about 1e-15. */
export const logErfc = (x: number): number => (x >= 0 ? logErfcRight(x) : Math.log(2 - Math.exp(logErfcRight(-x))));

/** P(N(0, 1) > x), with few relative errors in both tails. */
export const upperTail = (x: number): number => (x >= 0 ? 0.5 * Math.exp(logErfcRight(x / Math.SQRT2)) : 1 - upperTail(-x));

/** log(e^a + e^b) */
export const logAdd = (a: number, b: number): number => {
  const [low, high] = a < b ? [a, b] : [b, a];
  return low === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(Math.exp(low - high));
};

/** |log(e^a − e^b)|'s argument in log space, and whether a ≥ b. */
export const logSubtract = (a: number, b: number): readonly [log: number, positive: boolean] => {
  const [low, high] = a < b ? [a, b] : [b, a];
  if (low === high) return [Number.NEGATIVE_INFINITY, true];
  return [low === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(-Math.exp(low - high)), a >= b];
};

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const;

/** log |Γ(x)| (Lanczos, g = 7, with the reflection formula). */
const logGamma = (x: number): number => {
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - logGamma(1 - x);
  const y = x - 1;
  const t = y + 7.5;
  let series: number = LANCZOS[0];
  for (let index = 1; index < LANCZOS.length; index++) series += LANCZOS[index]! / (y + index);
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(series);
};

/** log |binomial(n, k)|, for any real n and whole k. */
export const logBinomial = (n: number, k: number): number =>
  Number.isInteger(n) && k > n ? Number.NEGATIVE_INFINITY : logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
