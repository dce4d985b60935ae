import type { Mechanism } from './mechanism.js';
import { upperTail } from './normal.js';

/**
 * A mechanism's worst pair of output distributions P and Q, as its privacy curve δ(ε) = sup_S P(S) − e^ε Q(S), for any real ε. `least` and `most`:
 * beyond them, the privacy loss has hardly any mass.
 */
export type PrivacyCurve = { readonly delta: (epsilon: number) => number; readonly least: number; readonly most: number };

/** Mass of each tail of the noise that a curve leaves out of [least, most]; it still counts, as loss of any size. */
const TAIL = 38;

/** The base pair of a mechanism: noise around 0 (Q) and around 1 (P). `above(x)`: P(noise > x). */
type Noise = {
  readonly above: (x: number) => number;
  readonly loss: (x: number) => number;
  readonly at: (loss: number) => number;
  readonly reach: number;
};

const gaussian = (sigma: number): Noise => ({
  above: (x) => upperTail(x / sigma),
  loss: (x) => (2 * x - 1) / (2 * sigma * sigma),
  at: (loss) => loss * sigma * sigma + 0.5,
  reach: sigma * Math.sqrt(2 * TAIL),
});

const laplaceAbove = (x: number): number => (x >= 0 ? 0.5 * Math.exp(-x) : 1 - 0.5 * Math.exp(x));

/** Its loss is between −1/b and 1/b: flat outside of [0, 1], where it has atoms. */
const laplace = (scale: number): Noise => ({
  above: (x) => laplaceAbove(x / scale),
  loss: (x) => (Math.abs(x) - Math.abs(x - 1)) / scale,
  at: (loss) => (loss >= 1 / scale ? Number.POSITIVE_INFINITY : loss < -1 / scale ? Number.NEGATIVE_INFINITY : (loss * scale + 1) / 2),
  reach: scale * TAIL,
});

/** P = (1 − q)·Q + q·P' against Q: a device is removed. Both are log-concave around 0 and 1, so that the best S is a half line. */
const removal = ({ above, at }: Noise, q: number, epsilon: number): number => {
  const odds = Math.expm1(epsilon) + q;
  if (odds <= 0) return -Math.expm1(epsilon);
  const x = at(Math.log(odds / q));
  if (x === Number.POSITIVE_INFINITY) return 0;
  // P(x' > x) − e^ε Q(x' > x), for P = (1 − q)Q + qP'.
  return Math.max(0, q * above(x - 1) - odds * above(x));
};

/** Q against P: a device is added. */
const addition = (noise: Noise, q: number, epsilon: number): number => {
  // H(Q, P)(α) = 1 − α + α · H(P, Q)(1/α)
  return Math.max(0, -Math.expm1(epsilon) + Math.exp(epsilon) * removal(noise, q, -epsilon));
};

const lossOf = (q: number, loss: number): number => Math.log1p(q * Math.expm1(loss));

/**
 * Curves of which the largest δ(ε) holds after composition. Poisson cohorts have one for a removed and one for an added device. Source: Zhu, Dong, Wang,
 * "Optimal accounting of differential privacy via characteristic function", AISTATS 2022, theorem 11. A fixed cohort has one that is removal's for
 * ε ≥ 0 and addition's below (the same, part 2: replaced records).
 */
export const curvesOf = ({ kind, noise: size, sampling, rate }: Mechanism): readonly PrivacyCurve[] => {
  const noise = kind === 'gaussian' ? gaussian(size) : laplace(size);
  const q = sampling === 'none' ? 1 : rate;
  const { loss, reach } = noise;
  const [low, high] = [lossOf(q, loss(-reach)), lossOf(q, loss(1 + reach))];
  const removed: PrivacyCurve = { delta: (epsilon) => removal(noise, q, epsilon), least: low, most: high };
  if (q === 1) return [removed];
  const added: PrivacyCurve = { delta: (epsilon) => addition(noise, q, epsilon), least: -high, most: -low };
  if (sampling === 'poisson') return [removed, added];
  const most = Math.max(high, -low);
  return [{ delta: (epsilon) => (epsilon >= 0 ? removed : added).delta(epsilon), least: -most, most }];
};
