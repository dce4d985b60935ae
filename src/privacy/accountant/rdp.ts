import type { Composed, Mechanism } from './mechanism.js';
import { logAdd, logBinomial, logErfc, logSubtract } from './normal.js';

/** Rényi orders at which divergences are bounded: those that the field's libraries take. */
const ORDERS: readonly number[] = [
  ...Array.from({ length: 99 }, (_, index) => 1 + (index + 1) / 10),
  ...Array.from({ length: 53 }, (_, index) => 11 + index),
  ...[128, 256, 512, 1024],
];

/** log E[((1 − q) + q·e^((2z − 1)/2σ²))^α] for whole α (Mironov, Talwar, Zhang, "Rényi differential privacy of the sampled Gaussian mechanism", 2019, section 3.3). */
const logMomentWhole = (q: number, sigma: number, alpha: number): number => {
  let sum = Number.NEGATIVE_INFINITY;
  for (let i = 0; i <= alpha; i++) {
    const term = logBinomial(alpha, i) + i * Math.log(q) + (alpha - i) * Math.log1p(-q);
    sum = logAdd(sum, term + (i * i - i) / (2 * sigma * sigma));
  }
  return sum;
};

const MOST_TERMS = 1000;

/**
 * The same for any α > 1: two series, for z below and above the point where both mixture parts are equal. Coefficients count by their size, which
 * can only make the bound larger. Infinity if the series do not converge.
 */
const logMomentReal = (q: number, sigma: number, alpha: number): number => {
  const z0 = sigma * sigma * Math.log(1 / q - 1) + 0.5;
  const scale = Math.SQRT2 * sigma;
  const [chosen, left] = [Math.log(q), Math.log1p(-q)];
  let total = Number.NEGATIVE_INFINITY;
  let last = [total, total];
  for (let i = 0; i < MOST_TERMS; i++) {
    const j = alpha - i;
    const coefficient = logBinomial(alpha, i) - Math.LN2;
    const low = coefficient + i * chosen + j * left + (i * i - i) / (2 * sigma * sigma) + logErfc((i - z0) / scale);
    const high = coefficient + j * chosen + i * left + (j * j - j) / (2 * sigma * sigma) + logErfc((z0 - j) / scale);
    total = logAdd(total, logAdd(low, high));
    if (low < last[0]! && high < last[1]! && Math.max(low, high) < total - 30) return total;
    last = [low, high];
  }
  return Number.POSITIVE_INFINITY;
};

/** The difference of two signed numbers in log space: which is larger decides its sign. */
const withSign = ([log, positive]: readonly [number, boolean], sign: boolean): readonly [number, boolean] => [log, positive === sign];

const poissonGaussian = (q: number, sigma: number, alpha: number): number =>
  (Number.isInteger(alpha) ? logMomentWhole(q, sigma, alpha) : logMomentReal(q, sigma, alpha)) / (alpha - 1);

/** Beyond this order, forward differences would cost more than they gain. */
const MOST_DIFFERENCES = 256;

/** log |Δⁿ f(0)| for n < count, where f = e^g: repeated differences in log space. */
const forwardDifferences = (g: (x: number) => number, count: number): readonly number[] => {
  let row = Array.from({ length: count + 1 }, (_, x): readonly [number, boolean] => [g(x), true]);
  const found: number[] = [row[0]![0]];
  for (let n = 1; n <= count; n++) {
    row = row.slice(1).map(([log, positive], x): readonly [number, boolean] => {
      const [other, otherPositive] = row[x]!;
      if (positive !== otherPositive) return [logAdd(log, other), positive];
      return withSign(logSubtract(log, other), positive);
    });
    found.push(row[0]![0]);
  }
  return found;
};

/** Gaussian noise, and a cohort drawn without replacement (Wang, Balle, Kasiviswanathan, AISTATS 2019, theorem 27), for whole α. */
const fixedCumulant = (q: number, sigma: number, alpha: number): number => {
  if (alpha <= 1) return 0;
  const divergence = (order: number): number => order / (2 * sigma * sigma);
  const cumulant = (x: number): number => x * divergence(x + 1);
  const isExact = alpha <= MOST_DIFFERENCES;
  const differences = isExact ? forwardDifferences((x) => cumulant(x - 1), alpha + 1) : [];
  let sum = 0;
  for (let i = 2; i <= alpha; i++) {
    let term = Math.log(2) + cumulant(i - 1);
    if (i === 2) term = Math.min(Math.log(4) + divergence(2) + Math.log1p(-Math.exp(-divergence(2))), term);
    else if (isExact) {
      const [low, high] = [differences[2 * Math.floor(i / 2)]!, differences[2 * Math.ceil(i / 2)]!];
      term = Math.min(Math.log(4) + 0.5 * (low + high), term);
    }
    sum = logAdd(sum, term + i * Math.log(q) + logBinomial(alpha, i));
  }
  return sum;
};

/** Between whole orders the cumulant is convex (the same, corollary 10). */
const fixedGaussian = (q: number, sigma: number, alpha: number): number => {
  const [low, high] = [Math.floor(alpha), Math.ceil(alpha)];
  const share = alpha - low;
  const bound =
    share === 0 ? fixedCumulant(q, sigma, alpha) : (1 - share) * fixedCumulant(q, sigma, low) + share * fixedCumulant(q, sigma, high);
  return bound / (alpha - 1);
};

/** Laplace noise (Mironov, "Rényi differential privacy", CSF 2017, proposition 6). */
const laplace = (noise: number, alpha: number): number => {
  const epsilon = 1 / noise;
  const log = logAdd(Math.log(alpha / (2 * alpha - 1)) + (alpha - 1) * epsilon, Math.log((alpha - 1) / (2 * alpha - 1)) - alpha * epsilon);
  return Math.max(0, log / (alpha - 1));
};

/** Rényi divergence of order α > 1 that one run of a mechanism spends. Infinity where no bound is known: Laplace noise with sampling. */
const renyi = ({ kind, noise, sampling, rate }: Mechanism, alpha: number): number => {
  if (rate === 0) return 0;
  if (!(noise > 0)) return Number.POSITIVE_INFINITY;
  // Sampling never spends more than taking part for certain.
  const whole = kind === 'laplace' ? laplace(noise, alpha) : alpha / (2 * noise * noise);
  if (kind === 'laplace' || sampling === 'none' || rate === 1) return whole;
  return Math.min(whole, sampling === 'poisson' ? poissonGaussian(rate, noise, alpha) : fixedGaussian(rate, noise, alpha));
};

/** ε of Rényi divergences at ORDERS (Canonne, Kamath, Steinke, "The discrete Gaussian", NeurIPS 2020, proposition 12). */
const epsilonOf = (divergences: readonly number[], delta: number): number => {
  let least = Number.POSITIVE_INFINITY;
  divergences.forEach((divergence, index) => {
    const alpha = ORDERS[index]!;
    // δ ≤ √(1 − e^−KL) needs no ε at all.
    const epsilon =
      delta * delta + Math.expm1(-divergence) > 0 ? 0 : divergence + Math.log1p(-1 / alpha) - Math.log(delta * alpha) / (alpha - 1);
    least = Math.min(least, epsilon);
  });
  return Math.max(0, least);
};

const known = new Map<string, readonly number[]>();

const divergencesOf = (mechanism: Mechanism): readonly number[] => {
  const key = JSON.stringify(mechanism);
  const found = known.get(key) ?? ORDERS.map((alpha) => renyi(mechanism, alpha));
  known.set(key, found);
  return found;
};

/** ε by Rényi divergences: a bound that is cheap for any number of rounds, and looser than `pldEpsilon`. δ in (0, 1). */
export const rdpEpsilon = (composed: Composed, delta: number): number => {
  const sums = ORDERS.map(() => 0);
  for (const { mechanism, times } of composed) {
    if (times === 0) continue;
    divergencesOf(mechanism).forEach((divergence, index) => {
      sums[index]! += times * divergence;
    });
  }
  return epsilonOf(sums, delta);
};
