import FFT from 'fft.js';
import { curvesOf, type PrivacyCurve } from './curves.js';
import type { Composed, Mechanism } from './mechanism.js';
import { upperTail } from './normal.js';

/**
 * Privacy loss distributions on a grid, composed by FFT (Koskela, Jälkö, Honkela, "Computing tight differential privacy guarantees using FFT",
 * AISTATS 2020). A curve δ(ε) becomes masses on the grid by connecting its dots (Doroshenko et al., "Connect the dots", PoPETs 2022). The grid's own
 * curve is never below the true one, and equals it at every grid point. What the grid leaves out counts as an infinite loss. So ε is an upper bound.
 */

/** Masses at (first + i) · step, and the mass of an infinite loss. */
type Losses = { readonly first: number; readonly masses: Float64Array; readonly infinite: number };

/** Mass of the composition that may lie outside of the grid, each side. */
const TRUNCATED = 1e-13;
const MOST_POINTS = 2 ** 20;

const connectDots = ({ delta, least, most }: PrivacyCurve, step: number): Losses => {
  const first = Math.floor(least / step);
  const last = Math.max(first + 1, Math.ceil(most / step));
  const masses = new Float64Array(last - first + 1);
  const deltas = Float64Array.from(masses, (_, index) => delta((first + index) * step));
  const infinite = deltas.at(-1)!;
  let sum = infinite;
  for (let i = 1; i < masses.length; i++) {
    const [gap, next] = [deltas[i - 1]! - deltas[i]!, i + 1 < masses.length ? deltas[i]! - deltas[i + 1]! : 0];
    masses[i] = Math.max(0, gap / -Math.expm1(-step) - next / Math.expm1(step));
    sum += masses[i]!;
  }
  masses[0] = Math.max(0, 1 - sum);
  return { first, masses, infinite };
};

/** log E[e^(t·loss)] of the finite losses, relative to `centre`. */
const logMoment = ({ first, masses }: Losses, step: number, t: number, centre: number): number => {
  let most = Number.NEGATIVE_INFINITY;
  for (const index of [0, masses.length - 1]) most = Math.max(most, t * ((first + index) * step - centre));
  let sum = 0;
  for (let i = 0; i < masses.length; i++) sum += masses[i]! * Math.exp(t * ((first + i) * step - centre) - most);
  return most + Math.log(sum);
};

const momentsOf = ({ first, masses }: Losses, step: number): { mean: number; variance: number } => {
  let [mass, mean, square] = [0, 0, 0];
  for (let i = 0; i < masses.length; i++) {
    const loss = (first + i) * step;
    mass += masses[i]!;
    mean += masses[i]! * loss;
    square += masses[i]! * loss * loss;
  }
  mean /= mass;
  return { mean, variance: Math.max(0, square / mass - mean * mean) };
};

type Part = { readonly losses: Losses; readonly times: number; readonly mean: number; readonly variance: number };

const partOf = (losses: Losses, times: number, step: number): Part => ({ losses, times, ...momentsOf(losses, step) });

/** Where a composition has all but 2 · TRUNCATED of its mass: Chernoff bounds. */
const windowOf = (parts: readonly Part[], step: number): readonly [least: number, most: number] => {
  const mean = parts.reduce((sum, part) => sum + part.times * part.mean, 0);
  const deviation = Math.sqrt(parts.reduce((sum, part) => sum + part.times * part.variance, 0)) + step;
  const widest = step * Math.max(...parts.map(({ losses }) => losses.masses.length));
  const bound = (sign: number): number => {
    let least = Number.POSITIVE_INFINITY;
    // Tails of few runs are those of one, and tails of many are normal: the best order lies between.
    for (let t = 0.5 / Math.max(deviation, widest); t <= 32 / deviation; t *= 2) {
      const log = parts.reduce((sum, part) => sum + part.times * logMoment(part.losses, step, sign * t, part.mean), 0);
      least = Math.min(least, (log - Math.log(TRUNCATED)) / t);
    }
    return least;
  };
  return [mean - bound(-1), mean + bound(1)];
};

/** Complex spectra to whole powers, multiplied into `product`. */
const multiplyPower = (product: number[], spectrum: readonly number[], times: number): void => {
  for (let i = 0; i < spectrum.length; i += 2) {
    const [re, im] = [spectrum[i]!, spectrum[i + 1]!];
    const size = Math.exp(times * 0.5 * Math.log(re * re + im * im));
    const angle = times * Math.atan2(im, re);
    const [a, b] = [size * Math.cos(angle), size * Math.sin(angle)];
    const [c, d] = [product[i]!, product[i + 1]!];
    product[i] = a * c - b * d;
    product[i + 1] = a * d + b * c;
  }
};

const powerOf2 = (least: number): number => 2 ** Math.ceil(Math.log2(Math.max(2, least)));

/** The composition on a grid of its own. Losses outside are folded into it, and more than their mass is added to the infinite one. */
const compose = (parts: readonly Part[], step: number): Losses => {
  const [least, most] = windowOf(parts, step);
  const start = Math.floor(least / step);
  const size = powerOf2(Math.ceil(most / step) - start + 2);
  const fft = new FFT(size);
  const product: number[] = fft.createComplexArray();
  for (let i = 0; i < product.length; i += 2) [product[i], product[i + 1]] = [1, 0];
  let finite = 0;
  /** Each is moved so that the composition begins near 0, and the product's place follows from the shifts. */
  let offset = 0;
  for (const { losses, times, mean } of parts) {
    const shift = Math.round(mean / step);
    offset += times * shift;
    const input: number[] = new Array<number>(size).fill(0);
    losses.masses.forEach((mass, index) => {
      const place = (((losses.first + index - shift) % size) + size) % size;
      input[place]! += mass;
    });
    const spectrum: number[] = fft.createComplexArray();
    fft.realTransform(spectrum, input);
    fft.completeSpectrum(spectrum);
    multiplyPower(product, spectrum, times);
    finite += times * Math.log1p(-losses.infinite);
  }
  const output: number[] = fft.createComplexArray();
  fft.inverseTransform(output, product);
  const masses = new Float64Array(size);
  for (let i = 0; i < size; i++) masses[i] = Math.max(0, output[2 * ((((start + i - offset) % size) + size) % size)]!);
  return { first: start, masses, infinite: -Math.expm1(finite) + 2 * TRUNCATED };
};

/** The least ε ≥ 0 whose δ(ε), on the grid's own curve, is at most δ. */
const epsilonAt = ({ first, masses, infinite }: Losses, step: number, delta: number): number => {
  if (infinite > delta) return Number.POSITIVE_INFINITY;
  /** Over larger losses: Σ mass, the infinite one included, and Σ mass · e^(loss − larger loss). Their difference is δ(loss). */
  let [mass, scaled] = [infinite, 0];
  for (let i = masses.length - 1; i >= 0; i--) {
    if (mass - scaled > delta) return Math.max(0, (first + i) * step + Math.log((mass - delta) / scaled));
    mass += masses[i]!;
    scaled = (scaled + masses[i]!) * Math.exp(-step);
  }
  return 0;
};

/** ε of Gaussian noise without sampling, exactly: compositions are one mechanism (Balle, Wang, "Improving the Gaussian mechanism", ICML 2018, theorem 8). */
const exactGaussian = (noise: number, delta: number): number => {
  const deltaAt = (epsilon: number): number =>
    upperTail(epsilon * noise - 0.5 / noise) - Math.exp(epsilon) * upperTail(epsilon * noise + 0.5 / noise);
  if (deltaAt(0) <= delta) return 0;
  let [low, high] = [0, 1];
  while (deltaAt(high) > delta) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (deltaAt(middle) > delta) low = middle;
    else high = middle;
  }
  return high;
};

/** Fine enough that one run's losses span many points, and coarse enough for the composition's window. */
const stepFor = (composed: Composed): number => {
  let [variance, least] = [0, Number.POSITIVE_INFINITY];
  for (const { mechanism, times } of composed) {
    for (const curve of curvesOf(mechanism)) {
      const coarse = (curve.most - curve.least) / 512;
      const { variance: one } = momentsOf(connectDots(curve, coarse), coarse);
      variance = Math.max(variance, times * one);
      least = Math.min(least, Math.sqrt(one) / 8, coarse);
    }
  }
  const total = composed.reduce((sum, { times }) => sum + times, 0);
  // The dots add at most step² / 8 to each run's mean loss.
  const exact = Math.sqrt((8 * 1e-4 * Math.max(0.05, Math.sqrt(variance))) / total);
  const window = 20 * Math.sqrt(variance) + 1;
  return Math.max(Math.min(least, exact, window / 2 ** 12), window / (MOST_POINTS / 2));
};

const isExact = ({ kind, sampling, rate }: Mechanism): boolean => kind === 'gaussian' && (sampling === 'none' || rate === 1);

/**
 * ε for δ in (0, 1) by privacy loss distributions: an upper bound that is tight to a fraction of a percent. A composition that runs different
 * mechanisms takes the larger of its curves together.
 */
export const pldEpsilon = (composed: Composed, delta: number): number => {
  const runs = composed.filter(({ mechanism, times }) => times > 0 && mechanism.rate > 0);
  if (runs.length === 0) return 0;
  if (runs.some(({ mechanism }) => !(mechanism.noise > 0))) return Number.POSITIVE_INFINITY;
  if (runs.every(({ mechanism }) => isExact(mechanism)))
    return exactGaussian(runs.reduce((sum, { mechanism, times }) => sum + times / mechanism.noise ** 2, 0) ** -0.5, delta);
  const step = stepFor(runs);
  const directions = Math.max(...runs.map(({ mechanism }) => curvesOf(mechanism).length));
  const epsilons = Array.from({ length: directions }, (_, direction) => {
    const parts = runs.map(({ mechanism, times }) => {
      const curves = curvesOf(mechanism);
      return partOf(connectDots(curves[Math.min(direction, curves.length - 1)]!, step), times, step);
    });
    return epsilonAt(compose(parts, step), step, delta);
  });
  return Math.max(...epsilons);
};
