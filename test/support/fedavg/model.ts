import { fedavg as definition } from '../../../src/algorithms/fedavg/fedavg.js';
import type { FedAvgOptions } from '../../../src/algorithms/fedavg/options.js';
import { type Algorithm, bindAlgorithm } from '../../../src/algorithms/port/algorithm.js';
import type { Interactions, LocalModel } from '../../../src/algorithms/port/client.js';
import type { World } from '../../../src/algorithms/port/definition.js';
import { distinct, type Random, random, shuffle } from '../../../src/base/random.js';

/** ŷ = w2·ReLU((E[i] ⊙ p_u)·w1 + b1) + b2 and its descent, written down as plainly as can be, in float64. */
export const WORLD: World = { devices: 5, items: 19, lowest: 1, highest: 5 };

/** FedAvg of the network as McMahan et al. have it. */
export const OPTIONS: FedAvgOptions = {
  model: 'mlp',
  itemEmbedding: 5,
  units: 3,
  centring: 'none',
  centringDamping: 0,
  localEpochs: 1,
  localBatch: 1000,
  localRate: 0.05,
  itemRate: 0,
  userRate: 0,
  itemDecay: 0,
  userDecay: 0,
  proximal: 0,
  controlVariates: false,
  weighting: 'records',
  rowWeighting: 'cohort',
  untouchedRows: 'decay',
  serverOptimizer: 'sgd',
  serverRate: 1,
  serverSchedule: 'constant',
  serverAnnealRounds: 0,
  beta1: 0.9,
  beta2: 0.99,
  tau: 0.001,
};

export const fedavg = (options: Partial<FedAvgOptions> = {}, world: World = WORLD): Algorithm =>
  bindAlgorithm(definition, { ...OPTIONS, ...options }, null, world);

/** Every number of a model, by name; rows of `items` for all items of the world. */
export type Numbers = { items: number[]; w1: number[]; b1: number[]; w2: number[]; b2: number[]; user: number[] };
export const SHARED = ['items', 'w1', 'b1', 'w2', 'b2'] as const;

type Sizes = Pick<FedAvgOptions, 'itemEmbedding' | 'units'>;

export const predicted = ({ itemEmbedding: d, units: f }: Sizes, { items, w1, b1, w2, b2, user }: Numbers, item: number): number => {
  let y = b2[0]!;
  for (let q = 0; q < f; q++) {
    let z = b1[q]!;
    for (let e = 0; e < d; e++) z += items[item * d + e]! * user[e]! * w1[e * f + q]!;
    y += w2[q]! * Math.max(0, z);
  }
  return y;
};

const zeros = (numbers: Numbers): Numbers => {
  const [items, w1, b1, w2, b2, user] = (['items', 'w1', 'b1', 'w2', 'b2', 'user'] as const).map((name) => numbers[name].map(() => 0));
  return { items: items!, w1: w1!, b1: b1!, w2: w2!, b2: b2!, user: user! };
};

/** ∂(mean of (ŷ − r)²) over some of the ratings, and the sum of their squared errors. */
const differentiate = (sizes: Sizes, numbers: Numbers, { items, values }: Interactions, batch: readonly number[]) => {
  const { itemEmbedding: d, units: f } = sizes;
  const gradient = zeros(numbers);
  let loss = 0;
  for (const at of batch) {
    const item = items[at]!;
    const error = predicted(sizes, numbers, item) - values[at]!;
    loss += error ** 2;
    const dy = (2 * error) / batch.length;
    gradient.b2[0]! += dy;
    for (let q = 0; q < f; q++) {
      let z = numbers.b1[q]!;
      for (let e = 0; e < d; e++) z += numbers.items[item * d + e]! * numbers.user[e]! * numbers.w1[e * f + q]!;
      gradient.w2[q]! += dy * Math.max(0, z);
      const dz = z > 0 ? dy * numbers.w2[q]! : 0;
      gradient.b1[q]! += dz;
      for (let e = 0; e < d; e++) {
        const [w, i, p] = [numbers.w1[e * f + q]!, numbers.items[item * d + e]!, numbers.user[e]!];
        gradient.w1[e * f + q]! += dz * i * p;
        gradient.items[item * d + e]! += dz * w * p;
        gradient.user[e]! += dz * w * i;
      }
    }
  }
  return { gradient, loss };
};

/** Local epochs of minibatch descent; the loss is that of the first epoch, each rating's before the step it is part of. */
export const descended = (options: FedAvgOptions, start: Numbers, ratings: Interactions, source: Random) => {
  const numbers = structuredClone(start);
  const order = Array.from(ratings.items, (_, at) => at);
  let firstLoss = 0;
  for (let epoch = 1; epoch <= options.localEpochs; epoch++) {
    shuffle(order, source);
    for (let first = 0; first < order.length; first += options.localBatch) {
      const { gradient, loss } = differentiate(options, numbers, ratings, order.slice(first, first + options.localBatch));
      if (epoch === 1) firstLoss += loss;
      for (const name of [...SHARED, 'user'] as const)
        gradient[name].forEach((g, i) => {
          numbers[name][i]! -= options.localRate * g;
        });
    }
  }
  return { numbers, loss: firstLoss };
};

export const meanSquaredError = (sizes: Sizes, numbers: Numbers, { items, values }: Interactions): number =>
  items.reduce((sum, item, at) => sum + (predicted(sizes, numbers, item) - values[at]!) ** 2, 0) / items.length;

const normals = (count: number, source: Random): Float32Array => Float32Array.from({ length: count }, () => source.normal());

export type Local = { readonly model: LocalModel; readonly state: Float32Array; readonly ratings: Interactions; readonly numbers: Numbers };

/** A device with random numbers everywhere, and ratings of distinct items. */
export const randomLocal = ({ itemEmbedding: d, units: f }: Sizes, count: number, seed: number): Local => {
  const source = random(seed, 'local');
  const tensors = [WORLD.items * d, d * f, f, f, 1].map((size) => normals(size, source));
  const state = normals(d, source);
  const items = distinct(count, WORLD.items, source);
  const values = Float32Array.from(items, () => 1 + source.integer(9) / 2);
  const [all, w1, b1, w2, b2, user] = [...tensors, state].map((values) => Array.from(values));
  return {
    model: { rows: null, tensors },
    state,
    ratings: { items, values },
    numbers: { items: all!, w1: w1!, b1: b1!, w2: w2!, b2: b2!, user: user! },
  };
};

/** The same model with the rows of some items only, ascending. */
export const withRows = ({ tensors }: LocalModel, rows: Uint32Array, d: number): LocalModel => {
  const [items, ...dense] = tensors;
  const some = Float32Array.from({ length: rows.length * d }, (_, at) => items![rows[Math.floor(at / d)]! * d + (at % d)]!);
  return { rows, tensors: [some, ...dense] };
};
