import { type Random, shuffle } from '../../base/random.js';
import type { DeviceHalf, LocalModel, LocalRatings, LocalUpdate } from '../algorithm.js';
import { distinctRows, rowOf } from '../rows.js';
import type { FedAvgOptions } from './options.js';

/**
 * The device half: local epochs of minibatch SGD on the mean squared error, over the shared tensors and the private user
 * vector (McMahan et al., 2017, algorithm 1, ClientUpdate). Uploads the difference of the shared tensors.
 *
 *   x = E[i] ⊙ p_u (d)     z = x·w1 + b1 (f)     h = ReLU(z)     ŷ = w2·h + b2
 *
 * Local arithmetic is float64; w1 is held transposed, (f, d), so that both passes run along it, and a unit whose ReLU is
 * shut costs its backward pass nothing.
 */
type Weights = {
  /** (rows, d), of the items the device touches. */
  readonly items: Float64Array;
  /** (f, d) */
  readonly w1: Float64Array;
  readonly b1: Float64Array;
  readonly w2: Float64Array;
  readonly b2: Float64Array;
  readonly user: Float64Array;
};

type Sizes = { readonly d: number; readonly f: number };
/** x, h and ∂x of the rating at hand. */
type Scratch = { readonly x: Float64Array; readonly h: Float64Array; readonly dx: Float64Array };

const createScratch = ({ d, f }: Sizes): Scratch => ({ x: new Float64Array(d), h: new Float64Array(f), dx: new Float64Array(d) });

const transpose = (values: ArrayLike<number>, rows: number, columns: number): Float64Array => {
  const out = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c]!;
  return out;
};

/** The model's rows of some items, its dense tensors and the user vector, to be trained in place. */
const weightsFor = ({ rows, tensors }: LocalModel, wanted: Uint32Array, state: Float32Array, { d, f }: Sizes): Weights => {
  const [all, w1, b1, w2, b2] = tensors;
  const items = new Float64Array(wanted.length * d);
  for (let index = 0; index < wanted.length; index++) {
    const from = rowOf(rows, wanted[index]!) * d;
    for (let e = 0; e < d; e++) items[index * d + e] = all![from + e]!;
  }
  const wide = (values: Float32Array) => new Float64Array(values);
  return { items, w1: transpose(w1!, d, f), b1: wide(b1!), w2: wide(w2!), b2: wide(b2!), user: wide(state) };
};

const forward = ({ items, w1, b1, w2, b2, user }: Weights, { x, h }: Scratch, row: number): number => {
  const d = x.length;
  for (let e = 0; e < d; e++) x[e] = items[row * d + e]! * user[e]!;
  let prediction = b2[0]!;
  for (let q = 0; q < h.length; q++) {
    const at = q * d;
    // Four sums, since one would wait for each addition before the next.
    let [s0, s1, s2, s3] = [b1[q]!, 0, 0, 0];
    let e = 0;
    for (; e + 3 < d; e += 4) {
      s0 += x[e]! * w1[at + e]!;
      s1 += x[e + 1]! * w1[at + e + 1]!;
      s2 += x[e + 2]! * w1[at + e + 2]!;
      s3 += x[e + 3]! * w1[at + e + 3]!;
    }
    for (; e < d; e++) s0 += x[e]! * w1[at + e]!;
    const z = s0 + s1 + (s2 + s3);
    // Not z > 0 ? z : 0, which would hide NaN, and with it that training has diverged.
    const activated = z <= 0 ? 0 : z;
    h[q] = activated;
    prediction += w2[q]! * activated;
  }
  return prediction;
};

/** Adds upstream · ∂ŷ to the gradient, for the rating that `forward` saw last. */
const backward = (weights: Weights, gradient: Weights, { x, h, dx }: Scratch, row: number, upstream: number): void => {
  const d = x.length;
  gradient.b2[0]! += upstream;
  dx.fill(0);
  for (let q = 0; q < h.length; q++) {
    const activated = h[q]!;
    if (activated === 0) continue;
    gradient.w2[q]! += upstream * activated;
    const dz = upstream * weights.w2[q]!;
    gradient.b1[q]! += dz;
    const at = q * d;
    for (let e = 0; e < d; e++) {
      gradient.w1[at + e]! += dz * x[e]!;
      dx[e]! += dz * weights.w1[at + e]!;
    }
  }
  for (let e = 0; e < d; e++) {
    gradient.items[row * d + e]! += dx[e]! * weights.user[e]!;
    gradient.user[e]! += dx[e]! * weights.items[row * d + e]!;
  }
};

const difference = (now: Float64Array, before: Float64Array): Float32Array => {
  const out = new Float32Array(now.length);
  for (let i = 0; i < out.length; i++) out[i] = now[i]! - before[i]!;
  return out;
};

/** w −= rate·g, and g = 0, for elements first … end − 1. */
const descend = (weights: Float64Array, gradient: Float64Array, rate: number, first = 0, end = weights.length): void => {
  for (let i = first; i < end; i++) {
    weights[i]! -= rate * gradient[i]!;
    gradient[i] = 0;
  }
};

const zerosLike = ({ items, w1, b1, w2, b2, user }: Weights): Weights => {
  const zeros = (values: Float64Array) => new Float64Array(values.length);
  return { items: zeros(items), w1: zeros(w1), b1: zeros(b1), w2: zeros(w2), b2: zeros(b2), user: zeros(user) };
};

const DENSE = ['w1', 'b1', 'w2', 'b2', 'user'] as const;

const train = (options: FedAvgOptions, model: LocalModel, batch: LocalRatings, source: Random, state: Float32Array): LocalUpdate => {
  const { itemEmbedding: d, units: f, localEpochs, localBatch, localRate } = options;
  const sizes: Sizes = { d, f };
  const rows = distinctRows(batch.items);
  const weights = weightsFor(model, rows, state, sizes);
  const start = {
    ...weights,
    items: weights.items.slice(),
    w1: weights.w1.slice(),
    b1: weights.b1.slice(),
    w2: weights.w2.slice(),
    b2: weights.b2.slice(),
  };
  const gradient = zerosLike(weights);
  const scratch = createScratch(sizes);
  const order = Uint32Array.from(batch.items, (_, index) => index);
  const rowOfRating = Uint32Array.from(batch.items, (item) => rowOf(rows, item));
  let loss = 0;
  for (let epoch = 0; epoch < localEpochs; epoch++) {
    shuffle(order, source);
    for (let first = 0; first < order.length; first += localBatch) {
      const end = Math.min(order.length, first + localBatch);
      for (let i = first; i < end; i++) {
        const row = rowOfRating[order[i]!]!;
        const error = forward(weights, scratch, row) - batch.values[order[i]!]!;
        if (epoch === 0) loss += error * error;
        backward(weights, gradient, scratch, row, (2 * error) / (end - first));
      }
      for (let i = first; i < end; i++) {
        const row = rowOfRating[order[i]!]!;
        descend(weights.items, gradient.items, localRate, row * d, (row + 1) * d);
      }
      for (const name of DENSE) descend(weights[name], gradient[name], localRate);
    }
  }
  const w1 = difference(transpose(weights.w1, f, d), transpose(start.w1, f, d));
  const dense = (['b1', 'w2', 'b2'] as const).map((name) => difference(weights[name], start[name]));
  const tensors = [difference(weights.items, start.items), w1, ...dense];
  return { count: batch.items.length, loss, rows, tensors, state: Float32Array.from(weights.user) };
};

export const createDeviceHalf = (options: FedAvgOptions): DeviceHalf => {
  const sizes: Sizes = { d: options.itemEmbedding, f: options.units };
  return {
    privateState: { size: sizes.d, initial: (source) => Float32Array.from({ length: sizes.d }, () => 1 + 0.1 * source.normal()) },
    update: (model, _train, batch, source, state) => train(options, model, batch, source, state),
    predict: (model, _train, items, state) => {
      const rows = distinctRows(items);
      const weights = weightsFor(model, rows, state, sizes);
      const scratch = createScratch(sizes);
      return Float32Array.from(items, (item) => forward(weights, scratch, rowOf(rows, item)));
    },
  };
};
