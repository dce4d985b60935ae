import type { Scalar, Tensor, Tensor1D } from '@tensorflow/tfjs';
import { dropoutOf, silence } from '../../../src/algorithms/metamf/dropout.js';
import type { MetaMFOptions } from '../../../src/algorithms/metamf/options.js';
import type { Interactions } from '../../../src/algorithms/port/client.js';
import type { World } from '../../../src/algorithms/port/definition.js';
import { deviceId } from '../../../src/base/units.js';
import type { Tensorflow } from '../../../src/tensor/tfjs.js';
import type { Theta } from './theta.js';

/**
 * MetaMF as the paper prints it (eq. 1-8), in tfjs operations, one user at a time, all items generated: nothing folded,
 * nothing sparse, no hand-written gradient. In addition to the paper: what a device subtracts from its ratings, and item offsets.
 */
export type Named = Readonly<Record<string, Tensor>>;

type SharedParts = { readonly items: boolean; readonly layers: boolean };

const sharedParts = ({ variant }: MetaMFOptions): SharedParts => ({ items: variant === 'si', layers: variant === 'sm' });

/** Logical shapes of Θ. What a variant shares is a table under the name of the generator's bias, and has no generator. */
export const thetaShapes = (world: World, options: MetaMFOptions): Readonly<Record<string, readonly number[]>> => {
  const { userEmbedding: du, collaborative: k, hidden: o, lowRank: s, itemEmbedding: d, units: f } = options;
  const shared = sharedParts(options);
  const hidden = (name: string, without: boolean) => (without ? {} : { [`hidden.${name}.weights`]: [k, o], [`hidden.${name}.bias`]: [o] });
  const generator = (name: string, outputs: number, without: boolean) =>
    without ? { [`${name}.bias`]: [outputs] } : { [`${name}.weights`]: [o, outputs], [`${name}.bias`]: [outputs] };
  return {
    U: [world.devices, du],
    M: [du, k],
    ...hidden('item', shared.items),
    ...hidden('layer1', shared.layers),
    ...hidden('layer2', shared.layers),
    ...(shared.items ? {} : { 'low.weights': [world.items, o, s] }),
    'low.bias': [world.items, s],
    ...generator('rise', s * d, shared.items),
    ...generator('layer1', d * f + f, shared.layers),
    ...generator('layer2', f + 1, shared.layers),
  };
};

export const tensorsOf = (tf: Tensorflow, theta: Theta, shapes: ReturnType<typeof thetaShapes>): Named =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, tf.tensor(theta[name]!, [...shape])]));

const BRANCHES = ['item', 'layer1', 'layer2'] as const;

/** What dropout multiplies the hidden units by, in round 1 of a server of seed 1. */
const maskOf = (options: MetaMFOptions, device: number, branch: number): Float32Array => {
  const ones = new Float32Array(options.hidden).fill(1);
  silence(ones, [deviceId(device)], branch, dropoutOf(options, 1, 1)!);
  return ones;
};

/** Φ_u, by the names of the port's tensors. */
export const generateModel = (tf: Tensorflow, theta: Named, options: MetaMFOptions, device: number): Named => {
  const { hidden: o, lowRank: s, itemEmbedding: d, units: f } = options;
  const shared = sharedParts(options);
  const collaborative = tf.matMul(tf.gather(theta['U']!, tf.tensor1d([device], 'int32')), theta['M']!);
  const hidden = (name: (typeof BRANCHES)[number]): Tensor => {
    const h = tf.relu(tf.add(tf.matMul(collaborative, theta[`hidden.${name}.weights`]!), theta[`hidden.${name}.bias`]!));
    return options.dropout === 0 ? h : tf.mul(h, tf.tensor(maskOf(options, device, BRANCHES.indexOf(name)), [1, o]));
  };
  const generated = (h: Tensor, name: string): Tensor1D =>
    tf.reshape(tf.add(tf.matMul(h, theta[`${name}.weights`]!), theta[`${name}.bias`]!), [-1]);
  const layer = (name: 'layer1' | 'layer2'): Tensor1D =>
    shared.layers ? (theta[`${name}.bias`] as Tensor1D) : generated(hidden(name), name);
  const items = (): { low: Tensor; rise: Tensor1D } => {
    const table = theta['low.bias']!;
    if (shared.items) return { low: table, rise: theta['rise.bias'] as Tensor1D };
    const h = hidden('item');
    const weights = tf.reshape(tf.transpose(theta['low.weights']!, [1, 0, 2]), [o, -1]);
    return { low: tf.add(tf.reshape(tf.matMul(h, weights), [-1, s]), table), rise: generated(h, 'rise') };
  };
  const { low, rise } = items();
  const [w1, b1] = tf.split(layer('layer1'), [d * f, f]);
  const [w2, b2] = tf.split(layer('layer2'), [f, 1]);
  return { items_low: low, items_rise: tf.reshape(rise, [s, d]), w1: tf.reshape(w1!, [d, f]), b1: b1!, w2: w2!, b2: b2! };
};

/** What a device subtracts from its ratings: the damped mean of all it learns from, drawn to the middle of the scale. */
export const centreOf = ({ lowest, highest }: World, { centring, centringDamping }: MetaMFOptions, { values }: Interactions): number => {
  if (centring === 'none') return 0;
  const middle = (lowest + highest) / 2;
  const sum = Array.from(values).reduce((total, value) => total + (value - middle), 0);
  return middle + sum / (values.length + centringDamping);
};

/** ŷ of the items whose embeddings are the rows `rows` of items_low (eq. 6, 7). */
export const predictRatings = (tf: Tensorflow, options: MetaMFOptions, phi: Named, rows: Uint32Array, centre: number): Tensor1D => {
  const low = tf.gather(phi['items_low']!, tf.tensor1d(Int32Array.from(rows), 'int32'));
  const embeddings = tf.matMul(low, phi['items_rise']!);
  const hidden = tf.relu(tf.add(tf.matMul(embeddings, phi['w1']!), phi['b1']!));
  const output = tf.add(tf.reshape(tf.matMul(hidden, tf.reshape(phi['w2']!, [-1, 1])), [-1]), phi['b2']!);
  const offsets = options.itemOffset === 'none' ? tf.zerosLike(output) : tf.reshape(tf.slice(low, [0, 0], [-1, 1]), [-1]);
  return tf.add(tf.add(output, offsets), centre);
};

/** Σ of squared errors (eq. 8). */
export const squaredErrors = (
  tf: Tensorflow,
  options: MetaMFOptions,
  phi: Named,
  rows: Uint32Array,
  values: Float32Array,
  centre: number,
): Scalar => tf.sum(tf.square(tf.sub(predictRatings(tf, options, phi, rows, centre), tf.tensor1d(values))));

/** What a device learns from in a round: `batch`, a part of `train`. */
export type DeviceBatch = { readonly device: number; readonly train: Interactions; readonly batch: Interactions };

/** The sum over devices, as a function of Θ. */
export const cohortLoss = (tf: Tensorflow, theta: Named, world: World, options: MetaMFOptions, batches: readonly DeviceBatch[]): Scalar =>
  batches
    .map(({ device, train, batch }) => {
      const phi = generateModel(tf, theta, options, device);
      return squaredErrors(tf, options, phi, batch.items, batch.values, centreOf(world, options, train));
    })
    .reduce((sum, loss) => tf.add(sum, loss));

/** A loss of named tensors and its gradient, by tfjs autodiff. */
export const differentiate = (tf: Tensorflow, loss: (named: Named) => Scalar, at: Named): { value: Scalar; gradients: Named } => {
  const names = Object.keys(at);
  const named = (tensors: readonly Tensor[]): Named => Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
  const { value, grads } = tf.valueAndGrads((...tensors: Tensor[]) => loss(named(tensors)))(Object.values(at));
  return { value, gradients: named(grads) };
};

export const valuesOf = (named: Named): Theta =>
  Object.fromEntries(Object.entries(named).map(([name, tensor]) => [name, tensor.dataSync() as Float32Array]));
