import { type FedAvgOptions, modelTensors, sharedTensors } from '../../../src/algorithms/fedavg/options.js';
import type { Interactions, LocalModel } from '../../../src/algorithms/port/client.js';
import { distinct, type Random, random, shuffle } from '../../../src/base/random.js';
import { WORLD } from './model.js';

/**
 * The client of the FedAvg family as its papers have it, in float64, with gradients by central differences of the local objective. `items`,
 * `offsets` and so on are those of the model; `own` is the private part.
 */
export type Tensors = Record<string, number[]>;

const predicted = ({ model, itemEmbedding: d, units: f }: FedAvgOptions, now: Tensors, item: number): number => {
  const row = now['items']!.slice(item * d, (item + 1) * d);
  const own = now['own']!;
  if (model === 'dot') return own[0]! + now['offsets']![item]! + row.reduce((sum, value, e) => sum + value * own[e + 1]!, 0);
  const x = row.map((value, e) => value * own[e]!);
  return Array.from({ length: f }, (_, q) => {
    const z = x.reduce((sum, value, e) => sum + value * now['w1']![e * f + q]!, now['b1']![q]!);
    return now['w2']![q]! * Math.max(0, z);
  }).reduce((sum, value) => sum + value, now['b2']![0]!);
};

const squared = (values: readonly number[]): number => values.reduce((sum, value) => sum + value * value, 0);

/** mean of (ŷ − r)² + λ_item·‖item row‖², + λ_user·‖own‖² */
const objective = (options: FedAvgOptions, now: Tensors, items: readonly number[], values: readonly number[]): number => {
  const { itemEmbedding: d, itemDecay, userDecay } = options;
  const each = items.map((item, at) => {
    const row = [...now['items']!.slice(item * d, (item + 1) * d), ...(options.model === 'dot' ? [now['offsets']![item]!] : [])];
    return (predicted(options, now, item) - values[at]!) ** 2 + itemDecay * squared(row);
  });
  return each.reduce((sum, value) => sum + value, 0) / items.length + userDecay * squared(now['own']!);
};

const slopes = (options: FedAvgOptions, now: Tensors, items: readonly number[], values: readonly number[]): Tensors =>
  Object.fromEntries(
    Object.entries(now).map(([name, numbers]) => [
      name,
      numbers.map((value, at) => {
        const h = 1e-6;
        const by = (step: number): number => {
          numbers[at] = value + step;
          const found = objective(options, now, items, values);
          numbers[at] = value;
          return found;
        };
        return (by(h) - by(-h)) / (2 * h);
      }),
    ]),
  );

const rateOf = ({ localRate, itemRate, userRate }: FedAvgOptions, name: string): number => {
  if (name === 'own') return userRate || localRate;
  return (name === 'items' || name === 'offsets') && itemRate !== 0 ? itemRate : localRate;
};

export type Client = { readonly ratings: Interactions; readonly start: Tensors; readonly server: Tensors; readonly own: Tensors };

/** The numbers of a tensor that belong to some items, or all of a dense tensor. */
export const part = (options: FedAvgOptions, name: string, numbers: readonly number[], items: readonly number[]): number[] => {
  const width = name === 'items' ? options.itemEmbedding : 1;
  if (name !== 'items' && name !== 'offsets') return [...numbers];
  return items.flatMap((item) => numbers.slice(item * width, (item + 1) * width));
};

/** Local steps; without control variates, `server` and `own` are left out of it. Rows of other items are not moved, whatever corrects. */
export const trained = (options: FedAvgOptions, { ratings, start, server, own }: Client, source: Random): Tensors => {
  const now = structuredClone(start);
  const order = Array.from(ratings.items, (_, at) => at);
  const mean = options.centring === 'none' ? 0 : centreOf(options, ratings);
  const d = options.itemEmbedding;
  const mine = (name: string, at: number): boolean => {
    if (name === 'items') return ratings.items.includes(Math.floor(at / d));
    return name === 'offsets' ? ratings.items.includes(at) : name !== 'own';
  };
  for (let epoch = 0; epoch < options.localEpochs; epoch++) {
    shuffle(order, source);
    for (let first = 0; first < order.length; first += options.localBatch) {
      const batch = order.slice(first, first + options.localBatch);
      const values = batch.map((at) => ratings.values[at]! - mean);
      const gradient = slopes(
        options,
        now,
        batch.map((at) => ratings.items[at]!),
        values,
      );
      for (const [name, numbers] of Object.entries(now)) {
        gradient[name]!.forEach((slope, at) => {
          const drawn = mine(name, at) ? options.proximal * (numbers[at]! - start[name]![at]!) : 0;
          const drift = options.controlVariates && mine(name, at) ? server[name]![at]! - own[name]![at]! : 0;
          numbers[at]! -= rateOf(options, name) * (slope + drawn + drift);
        });
      }
    }
  }
  return now;
};

/** The mean of the ratings and of `centringDamping` more in the middle of the scale. */
export const centreOf = ({ centringDamping }: FedAvgOptions, { values }: Interactions): number => {
  const middle = (WORLD.lowest + WORLD.highest) / 2;
  return (values.reduce((sum, value) => sum + value, 0) + centringDamping * middle) / (values.length + centringDamping);
};

/** c_i⁺ = c_i − c + (x − y) / (K·η), for the numbers that belong to the device's items. */
export const nextControl = (options: FedAvgOptions, name: string, { ratings, start, server, own }: Client, after: Tensors): number[] => {
  const items = [...ratings.items].sort((a, b) => a - b);
  const steps = options.localEpochs * Math.ceil(ratings.items.length / options.localBatch);
  const [x, y, c, mine] = [start, after, server, own].map((tensors) => part(options, name, tensors[name]!, items));
  return mine!.map((value, at) => value - c![at]! + (x![at]! - y![at]!) / (steps * rateOf(options, name)));
};

const numbersOf = (size: number, scale: number, source: Random): number[] =>
  Array.from({ length: size }, () => Math.fround(scale * source.normal()));

/** A device with `count` ratings and random numbers everywhere. */
export const randomClient = (options: FedAvgOptions, count: number, seed: number): Client => {
  const source = random(seed, 'client');
  const items = distinct(count, WORLD.items, source);
  const values = Float32Array.from(items, () => 1 + source.integer(9) / 2);
  const tensors = (scale: number): Tensors =>
    Object.fromEntries(
      modelTensors(options).map(({ name, perRow, shape }) => {
        const size = shape.reduce((product, length) => product * length, 1) * (perRow ? WORLD.items : 1);
        return [name, numbersOf(size, scale, source)];
      }),
    );
  const own = numbersOf(options.itemEmbedding + (options.model === 'dot' ? 1 : 0), 1, source);
  return { ratings: { items, values }, start: { ...tensors(1), own }, server: tensors(0.5), own: tensors(0.5) };
};

/** What the device is sent, and what it keeps. */
export const sentTo = (options: FedAvgOptions, { start, server }: Client): LocalModel => ({
  rows: null,
  tensors: sharedTensors(options).map(({ name }) => Float32Array.from(start[name] ?? server[name.replace('control.', '')]!)),
});

export const keptBy = (options: FedAvgOptions, { ratings, start, own }: Client): Float32Array => {
  const items = [...ratings.items].sort((a, b) => a - b);
  const control = options.controlVariates ? modelTensors(options).flatMap(({ name }) => part(options, name, own[name]!, items)) : [];
  return Float32Array.from([...start['own']!, ...control]);
};
