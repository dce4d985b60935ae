import { maml as definition } from '../../../src/algorithms/maml/maml.js';
import type { MamlOptions } from '../../../src/algorithms/maml/options.js';
import { type Algorithm, bindAlgorithm } from '../../../src/algorithms/port/algorithm.js';
import type { Interactions, LocalModel } from '../../../src/algorithms/port/client.js';
import type { World } from '../../../src/algorithms/port/definition.js';
import { distinct, random } from '../../../src/base/random.js';

/** ŷ = w[0] + B[i] + E[i]·w[1…d], its losses and its adaptation, written down as plainly as can be, in float64. */
export const WORLD: World = { devices: 5, items: 19, lowest: 1, highest: 5 };

export const OPTIONS: MamlOptions = {
  variant: 'first-order',
  dimension: 3,
  innerSteps: 3,
  innerRate: 0.1,
  support: 0.8,
  decay: 0.05,
  weighting: 'uniform',
  rowWeighting: 'touched',
  outerRate: 0.01,
  outerSchedule: 'constant',
  outerAnnealRounds: 0,
};

export const maml = (options: Partial<MamlOptions> = {}, world: World = WORLD): Algorithm =>
  bindAlgorithm(definition, { ...OPTIONS, ...options }, null, world);

/** Every number of a model, by the names that travel; rows for all items of the world. */
export type Numbers = { items: number[]; offsets: number[]; start: number[]; rates: number[] };
export type Name = keyof Numbers;

export const predicted = ({ items, offsets, start }: Numbers, item: number): number => {
  const d = start.length - 1;
  let y = start[0]! + offsets[item]!;
  for (let e = 0; e < d; e++) y += items[item * d + e]! * start[e + 1]!;
  return y;
};

/** Mean over the records of (ŷ − r)² + λ·(‖E[i]‖² + B[i]²), where `start` is the user part. */
export const lossOf = (numbers: Numbers, { items, values }: Interactions, decay = 0): number => {
  const d = numbers.start.length - 1;
  const each = Array.from(items, (item, at) => {
    const row = [numbers.offsets[item]!, ...numbers.items.slice(item * d, (item + 1) * d)];
    return (predicted(numbers, item) - values[at]!) ** 2 + decay * row.reduce((sum, value) => sum + value * value, 0);
  });
  return each.reduce((sum, value) => sum + value, 0) / Math.max(1, each.length);
};

/** ∂ loss / ∂ one of the tensors, by central differences. */
export const slopes = (numbers: Numbers, name: Name, loss: (moved: Numbers) => number, h = 1e-5): number[] =>
  numbers[name].map((_, at) => {
    const by = (step: number): number => {
      const moved = structuredClone(numbers);
      moved[name][at]! += step;
      return loss(moved);
    };
    return (by(h) - by(-h)) / (2 * h);
  });

/** The closed form of ∂ mean (ŷ − r)² / ∂ user part. */
const userSlopes = (numbers: Numbers, { items, values }: Interactions): number[] => {
  const d = numbers.start.length - 1;
  const sums = numbers.start.map(() => 0);
  items.forEach((item, at) => {
    const error = (2 / items.length) * (predicted(numbers, item) - values[at]!);
    sums[0]! += error;
    for (let e = 0; e < d; e++) sums[e + 1]! += error * numbers.items[item * d + e]!;
  });
  return sums;
};

/** The user part after the inner steps by the numbers' own rates, and the gradients of the steps. */
export const adapted = (numbers: Numbers, support: Interactions, steps: number) => {
  const now = structuredClone(numbers);
  const gradients: number[][] = [];
  for (let step = 0; step < steps; step++) {
    const gradient = userSlopes(now, support);
    gradients.push(gradient);
    now.start = now.start.map((value, at) => value - numbers.rates[at]! * gradient[at]!);
  }
  return { numbers: now, gradients };
};

const MODEL = ['items', 'offsets', 'start'] as const;

/** The whole model after the inner steps, by central differences. */
export const descended = (numbers: Numbers, records: Interactions, rate: number, steps: number): Numbers => {
  const now = structuredClone(numbers);
  for (let step = 0; step < steps; step++) {
    const gradients = MODEL.map((name) => slopes(now, name, (moved) => lossOf(moved, records)));
    MODEL.forEach((name, at) => {
      now[name] = now[name].map((value, i) => value - rate * gradients[at]![i]!);
    });
  }
  return now;
};

export type Local = { readonly model: LocalModel; readonly ratings: Interactions; readonly numbers: Numbers };

/** A device with random numbers everywhere, and ratings of distinct items. `rates`: those of the options, or drawn ones for meta-sgd. */
export const randomLocal = ({ variant, dimension: d, innerRate }: MamlOptions, count: number, seed: number): Local => {
  const source = random(seed, 'local');
  const normals = (size: number, scale: number) => Float32Array.from({ length: size }, () => scale * source.normal());
  const [vectors, offsets, start] = [normals(WORLD.items * d, 0.7), normals(WORLD.items, 0.5), normals(d + 1, 0.7)];
  start[0]! += 3;
  const learned = variant === 'meta-sgd';
  const rates = Float32Array.from({ length: d + 1 }, () => (learned ? 0.05 + 0.1 * source.uniform() : innerRate));
  const items = distinct(count, WORLD.items, source);
  const values = Float32Array.from(items, () => 1 + source.integer(9) / 2);
  return {
    model: { rows: null, tensors: [vectors, offsets, start, ...(learned ? [rates] : [])] },
    ratings: { items, values },
    numbers: {
      items: [...vectors],
      offsets: [...offsets],
      start: [...start],
      rates: learned ? [...rates] : Array<number>(d + 1).fill(innerRate),
    },
  };
};

/** The same model with the rows of some items only, ascending. */
export const withRows = ({ tensors }: LocalModel, rows: Uint32Array, d: number): LocalModel => {
  const [items, offsets, ...dense] = tensors;
  const some = Float32Array.from({ length: rows.length * d }, (_, at) => items![rows[Math.floor(at / d)]! * d + (at % d)]!);
  return { rows, tensors: [some, Float32Array.from(rows, (row) => offsets![row]!), ...dense] };
};
