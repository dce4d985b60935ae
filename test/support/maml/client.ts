import type { Work } from '../../../src/algorithms/maml/client.js';
import type { MamlOptions } from '../../../src/algorithms/maml/options.js';
import type { LocalUpdate } from '../../../src/algorithms/port/client.js';
import { random } from '../../../src/base/random.js';
import { type Local, maml, type Name, type Numbers } from './model.js';

export type Played = { readonly work: Work; readonly update: LocalUpdate };

/** A device's plan for its ratings, keyed by `key`, and its update. */
export const play = (options: Partial<MamlOptions>, { model, ratings }: Local, key = 1): Played => {
  const client = maml(options).client();
  const own = { train: ratings };
  const [state, task] = [new Float32Array(0), { purpose: 'train', round: 1, batch: ratings } as const];
  const { work } = client.plan(own, task, random(key, 'plan'), state);
  return { work: work as Work, update: client.update(model, own, work, random(key, 'update'), state) };
};

/** What an update says of a tensor, with zeros for rows that it does not have. */
export const gradientOf = ({ rows, tensors }: LocalUpdate, numbers: Numbers, name: Name): number[] => {
  const index = (['items', 'offsets', 'start', 'rates'] as const).indexOf(name);
  const values = tensors[index]!;
  if (name === 'start' || name === 'rates') return [...values];
  const width = values.length / rows.length;
  const all = numbers[name].map(() => 0);
  rows.forEach((row, at) => {
    for (let e = 0; e < width; e++) all[row * width + e] = values[at * width + e]!;
  });
  return all;
};
