import { type Random, shuffle } from '../../base/random.js';
import type { ClientHalf, Interactions, LocalModel, LocalUpdate, OwnData, Plan, Task } from '../port/client.js';
import type { World } from '../port/definition.js';
import { distinctRows, rowOf } from '../port/rows.js';
import { adapt, rateGradient, throughSteps } from './adaptation.js';
import { addRowGradients, errorsOf, type ItemRows, loadRows, predict, type Records, squares, userGradient, zeroRows } from './model.js';
import type { MamlOptions } from './options.js';
import { descend } from './reptile.js';

/** The records that a device adapts on, and in training those of the query set, or the items to predict ratings of. */
export type Work = { readonly support: Interactions; readonly query: Interactions };

const NOTHING = new Float32Array(0);

const joinedItems = (some: Uint32Array, others: Uint32Array): Uint32Array => {
  const all = new Uint32Array(some.length + others.length);
  all.set(some);
  all.set(others, some.length);
  return all;
};

/**
 * Deals records into support and query set, at random. A share of the records, rounded, adapts; both sets have at least one record.
 * A single record is the query set, and then nothing adapts.
 */
const split = ({ items, values }: Interactions, share: number, source: Random): Work => {
  const order = new Uint32Array(items.length);
  for (let at = 0; at < order.length; at++) order[at] = at;
  shuffle(order, source);
  const size = Math.max(Math.min(1, items.length - 1), Math.min(items.length - 1, Math.round(share * items.length)));
  const some = (chosen: Uint32Array): Interactions => {
    const part = { items: new Uint32Array(chosen.length), values: new Float32Array(chosen.length) };
    for (let at = 0; at < chosen.length; at++) {
      part.items[at] = items[chosen[at]!]!;
      part.values[at] = values[chosen[at]!]!;
    }
    return part;
  };
  return { support: some(order.subarray(0, size)), query: some(order.subarray(size)) };
};

const plan = ({ variant, support }: MamlOptions, { train }: OwnData, task: Task, source: Random): Plan<Work> => {
  if (task.purpose === 'evaluate') {
    const { candidates } = task;
    return { rows: joinedItems(train.items, candidates), work: { support: train, query: { items: candidates, values: NOTHING } } };
  }
  const { batch } = task;
  // Reptile learns from all records alike.
  const work = variant === 'reptile' || batch.items.length === 0 ? { support: batch, query: batch } : split(batch, support, source);
  return { rows: batch.items, work };
};

const recordsOf = ({ items, values }: Interactions, rows: Uint32Array): Records => {
  const positions = new Uint32Array(items.length);
  for (let at = 0; at < items.length; at++) positions[at] = rowOf(rows, items[at]!);
  return { rows: positions, values };
};

/** w⁰ and α as the model has them. */
const startOf = ({ tensors }: LocalModel): Float64Array => Float64Array.from(tensors[2]!);
const ratesOf = ({ variant, dimension, innerRate }: MamlOptions, { tensors }: LocalModel): Float64Array =>
  variant === 'meta-sgd' ? Float64Array.from(tensors[3]!) : new Float64Array(dimension + 1).fill(innerRate);

/** E and B of some of the rows, as they travel. */
const sent = ({ width, vectors, offsets }: ItemRows, rows: Uint32Array, chosen: Uint32Array): readonly Float32Array[] => {
  const [items, biases] = [new Float32Array(chosen.length * width), new Float32Array(chosen.length)];
  for (let index = 0; index < chosen.length; index++) {
    const row = rowOf(rows, chosen[index]!);
    for (let e = 0; e < width; e++) items[index * width + e] = vectors[row * width + e]!;
    biases[index] = offsets[row]!;
  }
  return [items, biases];
};

/** The gradient of the query loss at the adapted user part: by the rows of query items alone, except of second order. */
const metaGradient = (options: MamlOptions, model: LocalModel, { support, query }: Work): LocalUpdate => {
  const { variant, dimension: d, innerSteps, decay } = options;
  const rows = distinctRows(joinedItems(support.items, query.items));
  const [items, rates] = [loadRows(model, rows, d), ratesOf(options, model)];
  const [adapting, asked] = [recordsOf(support, rows), recordsOf(query, rows)];
  const { w, path } = adapt(items, adapting, startOf(model), rates, innerSteps);
  const errors = errorsOf(items, asked, w);
  const gradient = zeroRows(rows.length, d);
  addRowGradients(items, asked, errors, w, decay, gradient);
  const outer = userGradient(items, asked, errors);
  const whole = variant === 'second-order';
  const start = whole ? throughSteps(items, adapting, path, rates, outer, gradient) : outer;
  const chosen = whole ? rows : distinctRows(query.items);
  const learned = variant === 'meta-sgd' ? [Float32Array.from(rateGradient(path, outer))] : [];
  const tensors = [...sent(gradient, rows, chosen), Float32Array.from(start), ...learned];
  return { count: query.items.length, loss: squares(errors), rows: chosen, tensors };
};

/** (θ − θ_K) / α, which is the sum of the inner gradients, stands for the gradient. */
const reptileGradient = ({ dimension: d, innerSteps, innerRate }: MamlOptions, model: LocalModel, { query }: Work): LocalUpdate => {
  const rows = distinctRows(query.items);
  const { loss, sums } = descend(loadRows(model, rows, d), recordsOf(query, rows), startOf(model), innerRate, innerSteps);
  return { count: query.items.length, loss, rows, tensors: [...sent(sums.items, rows, rows), Float32Array.from(sums.start)] };
};

/** Predictions of the model that the device comes to by its training records, in the way in which it adapts in training. */
const scoresOf = (options: MamlOptions, model: LocalModel, { support, query }: Work): Float32Array => {
  const { variant, dimension: d, innerSteps, innerRate } = options;
  const rows = distinctRows(joinedItems(support.items, query.items));
  const [items, known, start] = [loadRows(model, rows, d), recordsOf(support, rows), startOf(model)];
  const { w } =
    variant === 'reptile'
      ? descend(items, known, start, innerRate, innerSteps)
      : adapt(items, known, start, ratesOf(options, model), innerSteps);
  return Float32Array.from(query.items, (item) => predict(items, rowOf(rows, item), w));
};

/** Each inner step passes over the support set forwards and backwards; of second order, twice more on the way back. */
const operationsOf = ({ variant, dimension: d, innerSteps }: MamlOptions, { support, query }: Work): number => {
  const width = d + 1;
  const passes = { 'first-order': 2, 'meta-sgd': 2, 'second-order': 6, reptile: 3 }[variant];
  const outer = variant === 'reptile' ? 0 : 3 * query.items.length;
  return 2 * width * (passes * innerSteps * support.items.length + outer);
};

/**
 * The client half: a device adapts the shared start to its support set and answers with a gradient at what it came to. It keeps nothing between
 * rounds, and sends the gradient alone. An item row of it is an error times the adapted user vector (docs/privacy.md).
 */
export const createClientHalf = (_world: World, options: MamlOptions): ClientHalf<Work> => ({
  plan: (own, task, source) => plan(options, own, task, source),
  update: (model, _own, work) => (options.variant === 'reptile' ? reptileGradient : metaGradient)(options, model, work),
  score: (model, _own, work) => scoresOf(options, model, work),
  operations: (work) => operationsOf(options, work),
});
