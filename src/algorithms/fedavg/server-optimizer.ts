/**
 * Server optimizers on the pseudo-gradient, which is the mean difference Δ_t of the clients' weights. Source: Reddi et al., "Adaptive
 * Federated Optimization", ICLR 2021, algorithms 1 and 2. η is the server rate. All operations are elementwise, and float64 on float32 storage.
 *
 *   sgd        x ← x + η·Δ_t                                                    FedAvg with η = 1 (McMahan et al., 2017)
 *   momentum   m ← β1·m + Δ_t                         x ← x + η·m               FedAvgM (Hsu et al., 2019)
 *   adagrad    m, v ← v + Δ_t²                        x ← x + η·m / (√v + τ)    FedAdagrad
 *   adam       m, v ← β2·v + (1 − β2)·Δ_t²            x ← x + η·m / (√v + τ)    FedAdam
 *   yogi       m, v ← v − (1 − β2)·Δ_t²·sign(v − Δ_t²)  x ← x + η·m / (√v + τ)  FedYogi
 *
 * The last three share m ← β1·m + (1 − β1)·Δ_t. They start from m = 0 and v = τ², and know no bias correction.
 */
export const SERVER_OPTIMIZERS = ['sgd', 'momentum', 'adagrad', 'adam', 'yogi'] as const;

export type ServerOptimizer = {
  readonly kind: (typeof SERVER_OPTIMIZERS)[number];
  readonly beta1: number;
  readonly beta2: number;
  /** τ, the degree of adaptivity; the smaller, the more adaptive. */
  readonly tau: number;
};

/** What an optimizer remembers of a tensor: as many numbers as it has weights, or none. */
export type Moments = { readonly first: Float32Array; readonly second: Float32Array };

/** Which moments a kind keeps. */
export const keepsFirst = ({ kind }: ServerOptimizer): boolean => kind !== 'sgd';
export const keepsSecond = (optimizer: ServerOptimizer): boolean => keepsFirst(optimizer) && optimizer.kind !== 'momentum';

/** Moments before the first round: m = 0, v = τ² (algorithm 2, "Initialization"). */
export const startMoments = (optimizer: ServerOptimizer, { first, second }: Moments): void => {
  first.fill(0);
  second.fill(optimizer.tau ** 2);
};

export const createMoments = (optimizer: ServerOptimizer, size: number): Moments => {
  const moments = {
    first: new Float32Array(keepsFirst(optimizer) ? size : 0),
    second: new Float32Array(keepsSecond(optimizer) ? size : 0),
  };
  startMoments(optimizer, moments);
  return moments;
};

type SecondMoment = (v: number, square: number) => number;

/** v_t of v_{t−1} and Δ_t². */
const secondMomentOf = ({ kind, beta2 }: ServerOptimizer): SecondMoment => {
  switch (kind) {
    case 'adagrad':
      return (v, square) => v + square;
    case 'yogi':
      return (v, square) => v - (1 - beta2) * square * Math.sign(v - square);
    default:
      return (v, square) => beta2 * v + (1 - beta2) * square;
  }
};

/** A stretch of a tensor: elements from … end − 1. Its mean difference is sum ÷ weight. */
export type Stretch = { readonly from: number; readonly end: number; readonly weight: number };

/** The step of one round: changes a stretch of `weights` and `moments` by the mean difference. Returns Σ Δ_t². */
export type ServerStep = (weights: Float32Array, moments: Moments, sum: Float32Array, stretch: Stretch, rate: number) => number;

const stepPlainly: ServerStep = (weights, _moments, sum, { from, end, weight }, rate) => {
  let squares = 0;
  for (let i = from; i < end; i++) {
    const delta = sum[i]! / weight;
    squares += delta * delta;
    weights[i]! += rate * delta;
  }
  return squares;
};

const momentumStep =
  (beta1: number): ServerStep =>
  (weights, { first }, sum, { from, end, weight }, rate) => {
    let squares = 0;
    for (let i = from; i < end; i++) {
      const delta = sum[i]! / weight;
      squares += delta * delta;
      first[i] = beta1 * first[i]! + delta;
      weights[i]! += rate * first[i]!;
    }
    return squares;
  };

const adaptiveStep = (optimizer: ServerOptimizer): ServerStep => {
  const { beta1, tau } = optimizer;
  const secondMoment = secondMomentOf(optimizer);
  return (weights, { first, second }, sum, { from, end, weight }, rate) => {
    let squares = 0;
    for (let i = from; i < end; i++) {
      const delta = sum[i]! / weight;
      const square = delta * delta;
      squares += square;
      first[i] = beta1 * first[i]! + (1 - beta1) * delta;
      second[i] = secondMoment(second[i]!, square);
      weights[i]! += (rate * first[i]!) / (Math.sqrt(second[i]!) + tau);
    }
    return squares;
  };
};

export const createServerStep = (optimizer: ServerOptimizer): ServerStep => {
  switch (optimizer.kind) {
    case 'sgd':
      return stepPlainly;
    case 'momentum':
      return momentumStep(optimizer.beta1);
    case 'adagrad':
    case 'adam':
    case 'yogi':
      return adaptiveStep(optimizer);
  }
};
