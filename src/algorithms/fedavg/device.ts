import { type Random, shuffle } from '../../base/random.js';
import type { DeviceHalf, LocalModel, LocalRatings, LocalUpdate } from '../algorithm.js';
import { distinctRows, rowOf } from '../rows.js';
import type { FedAvgOptions } from './options.js';

/**
 * The device half: local epochs of minibatch SGD on the mean squared error, over the shared tensors and the private user
 * vector (McMahan et al., 2017, algorithm 1, ClientUpdate). Uploads the difference of the shared tensors.
 */
type Tensors = readonly [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];

type Pass = {
  readonly d: number;
  readonly f: number;
  /** x = E[i] ⊙ p_u and h, of the last forward pass. */
  readonly input: Float64Array;
  readonly hidden: Float64Array;
};

const createPass = ({ itemEmbedding: d, units: f }: FedAvgOptions): Pass => ({
  d,
  f,
  input: new Float64Array(d),
  hidden: new Float64Array(f),
});

const forward = ({ d, f, input, hidden }: Pass, [items, w1, b1, w2, b2]: Tensors, user: Float32Array, row: number): number => {
  for (let q = 0; q < f; q++) hidden[q] = b1[q]!;
  for (let e = 0; e < d; e++) {
    const x = items[row * d + e]! * user[e]!;
    input[e] = x;
    for (let q = 0; q < f; q++) hidden[q]! += x * w1[e * f + q]!;
  }
  let prediction = b2[0]!;
  for (let q = 0; q < f; q++) {
    const activated = Math.max(0, hidden[q]!);
    hidden[q] = activated;
    prediction += w2[q]! * activated;
  }
  return prediction;
};

/** Adds upstream · ∂ŷ/∂(tensors, p_u), for the rating that `forward` saw last. */
const backward = (
  { d, f, input, hidden }: Pass,
  [items, w1, , w2]: Tensors,
  user: Float32Array,
  row: number,
  upstream: number,
  into: Gradient,
): void => {
  const [gItems, gW1, gB1, gW2, gB2] = into.shared;
  gB2[0]! += upstream;
  const dz = into.hidden;
  for (let q = 0; q < f; q++) {
    gW2[q]! += upstream * hidden[q]!;
    dz[q] = hidden[q]! > 0 ? upstream * w2[q]! : 0;
    gB1[q]! += dz[q]!;
  }
  for (let e = 0; e < d; e++) {
    let dx = 0;
    for (let q = 0; q < f; q++) {
      dx += w1[e * f + q]! * dz[q]!;
      gW1[e * f + q]! += input[e]! * dz[q]!;
    }
    gItems[row * d + e]! += dx * user[e]!;
    into.user[e]! += dx * items[row * d + e]!;
  }
};

type Gradient = { readonly shared: Tensors; readonly user: Float32Array; readonly hidden: Float64Array };

const zerosLike = (tensors: Tensors): Tensors => tensors.map((tensor) => new Float32Array(tensor.length)) as unknown as Tensors;

/** w −= rate·g, and g = 0. */
const descend = (weights: Float32Array, gradient: Float32Array, rate: number): void => {
  for (let i = 0; i < weights.length; i++) weights[i]! -= rate * gradient[i]!;
  gradient.fill(0);
};

/** The rows of the model that a device touches, and its dense tensors, to be trained in place. */
const copyFor = ({ rows, tensors }: LocalModel, wanted: Uint32Array, d: number): Tensors => {
  const [items, ...dense] = tensors;
  const own = new Float32Array(wanted.length * d);
  wanted.forEach((item, index) => {
    const row = rowOf(rows, item);
    own.set(items!.subarray(row * d, (row + 1) * d), index * d);
  });
  return [own, ...dense.map((tensor) => tensor.slice())] as unknown as Tensors;
};

const train = (options: FedAvgOptions, model: LocalModel, batch: LocalRatings, source: Random, before: Float32Array): LocalUpdate => {
  const { itemEmbedding: d, units: f, localEpochs, localBatch, localRate } = options;
  const rows = distinctRows(batch.items);
  const start = copyFor(model, rows, d);
  const weights = start.map((tensor) => tensor.slice()) as unknown as Tensors;
  const user = before.slice();
  const gradient: Gradient = { shared: zerosLike(weights), user: new Float32Array(d), hidden: new Float64Array(f) };
  const pass = createPass(options);
  const order = Uint32Array.from(batch.items, (_, index) => index);
  const rowOfRating = Uint32Array.from(batch.items, (item) => rowOf(rows, item));
  let loss = 0;
  for (let epoch = 0; epoch < localEpochs; epoch++) {
    shuffle(order, source);
    for (let first = 0; first < order.length; first += localBatch) {
      const end = Math.min(order.length, first + localBatch);
      for (let i = first; i < end; i++) {
        const row = rowOfRating[order[i]!]!;
        const error = forward(pass, weights, user, row) - batch.values[order[i]!]!;
        if (epoch === 0) loss += error * error;
        backward(pass, weights, user, row, (2 * error) / (end - first), gradient);
      }
      weights.forEach((tensor, index) => descend(tensor, gradient.shared[index]!, localRate));
      descend(user, gradient.user, localRate);
    }
  }
  const tensors = weights.map((tensor, index) => tensor.map((value, i) => value - start[index]![i]!));
  return { count: batch.items.length, loss, rows, tensors, state: user };
};

export const createDeviceHalf = (options: FedAvgOptions): DeviceHalf => {
  const { itemEmbedding: d } = options;
  return {
    privateState: { size: d, initial: (source) => Float32Array.from({ length: d }, () => 1 + 0.1 * source.normal()) },
    update: (model, _train, batch, source, state) => train(options, model, batch, source, state),
    predict: (model, _train, items, state) => {
      const pass = createPass(options);
      return Float32Array.from(items, (item) => forward(pass, model.tensors as Tensors, state, rowOf(model.rows, item)));
    },
  };
};
