import { z } from 'zod';
import { type Cells, createFields } from '../interaction/fields.js';
import { defineModel, type Facts, type Model } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import { normalRows } from './factor-model.js';
import { decayOption, deviationOption, factorsOption, rateDecayOption, rateOption } from './options.js';

const OPTIONS = z.strictObject({
  factors: factorsOption(64),
  features: z.enum(['all', 'none']).default('all').describe("all: the dataset's features of users and items; none: user and item alone"),
  rate: rateOption(0.01),
  rateDecay: rateDecayOption(0.97),
  decay: decayOption(0.055),
  biasDecay: decayOption(0.02, 'linear weights'),
  deviation: deviationOption(0.05),
});
type Options = z.infer<typeof OPTIONS>;

/**
 * ŷ = μ + Σ w_f x_f + ½ Σ_e ((Σ_f v_fe x_f)² − Σ_f (v_fe x_f)²): equation 5, on the cells of a user and of an item.
 * Descent takes single ratings, user by user in an order that each epoch draws. μ is the mean training rating.
 */
const create = (facts: Facts, options: Options, engine: Engine): Model => {
  const { mean, train } = facts;
  const { factors: k, features, rate, rateDecay, decay, biasDecay, deviation } = options;
  const { words, users, items } = createFields(facts, features);
  const linear = engine.tensor({ name: 'linear', shape: [words] });
  const vectors = engine.tensor({ name: 'vectors', shape: [words, k], initial: normalRows(deviation, k, k) });
  const [w, v] = [linear.values, vectors.values];
  const [sum, squares] = [new Float64Array(k), new Float64Array(k)];

  /** Adds the cells of a row to `sum` and `squares`; returns their linear part. */
  const add = ({ offsets, ids, values }: Cells, row: number): number => {
    let total = 0;
    for (let cell = offsets[row]!; cell < offsets[row + 1]!; cell++) {
      const [id, x] = [ids[cell]!, values[cell]!];
      total += w[id]! * x;
      for (let e = 0, at = id * k; e < k; e++, at++) {
        const part = v[at]! * x;
        sum[e]! += part;
        squares[e]! += part * part;
      }
    }
    return total;
  };
  const predict = (user: number, item: number): number => {
    sum.fill(0);
    squares.fill(0);
    const total = mean + add(users, user) + add(items, item);
    let pairs = 0;
    for (let e = 0; e < k; e++) pairs += sum[e]! * sum[e]! - squares[e]!;
    return total + pairs / 2;
  };
  /** ∂ŷ/∂w = x and ∂ŷ/∂v = x (Σ v x − v x): equation 4. */
  const step = ({ offsets, ids, values }: Cells, row: number, error: number, now: number): void => {
    for (let cell = offsets[row]!; cell < offsets[row + 1]!; cell++) {
      const [id, x] = [ids[cell]!, values[cell]!];
      w[id]! += now * (error * x - biasDecay * w[id]!);
      for (let e = 0, at = id * k; e < k; e++, at++) v[at]! += now * (error * x * (sum[e]! - v[at]! * x) - decay * v[at]!);
    }
  };

  return {
    tensors: [linear, vectors],
    epoch: (epoch) => {
      const now = rate * rateDecay ** (epoch.number - 1);
      let loss = 0;
      for (const user of epoch.users())
        for (let row = train.offsets[user]!; row < train.offsets[user + 1]!; row++) {
          const item = train.items[row]!;
          const error = train.values[row]! - predict(user, item);
          step(users, user, error, now);
          step(items, item, error, now);
          loss += error * error;
        }
      return loss / train.items.length;
    },
    scores: (user, list, out) => {
      for (let r = 0; r < list.length; r++) out[r] = predict(user, list[r]!);
    },
  };
};

export const fm = defineModel<Options>({
  name: 'fm',
  version: '1',
  title: 'factorization machine of user, item and their features',
  paper: 'Rendle: Factorization Machines. ICDM, 2010',
  options: OPTIONS,
  traits: { task: 'rating', feedback: 'explicit', training: 'epochs', features: ['users', 'items'] },
  defaults: { epochs: 100 },
  create,
});
