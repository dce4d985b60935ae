import { z } from 'zod';
import type { Kernels } from '../../tensor/kernels/kernels.js';
import { referenceKernels } from '../../tensor/kernels/reference.js';
import type { Pointer } from '../../tensor/memory/arena.js';
import { type Cells, createFields } from '../interaction/fields.js';
import { defineModel, type Facts, type Model } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import { normalRows, padded } from './factor-model.js';
import { decayOption, deviationOption, factorsOption, rateDecayOption, rateOption } from './options.js';

const OPTIONS = z.strictObject({
  factors: factorsOption(16),
  features: z.enum(['all', 'none']).default('all').describe("all: the dataset's features of users and items; none: user and item alone"),
  rate: rateOption(0.01),
  rateDecay: rateDecayOption(0.85),
  decay: decayOption(0.055),
  biasDecay: decayOption(0.02, 'linear weights'),
  deviation: deviationOption(0.05),
});
type Options = z.infer<typeof OPTIONS>;

/** Ratings that are read together; results do not depend on it. */
const BATCH = 1 << 14;

/**
 * ŷ = μ + Σ w_f x_f + ½ (‖Σ_f v_f x_f‖² − Σ_f ‖v_f x_f‖²): equation 5, on the cells of a user and of an item.
 * Descent takes single ratings in an order that each epoch draws. μ is the mean training rating.
 */
const create = (facts: Facts, options: Options, engine: Engine): Model => {
  const { mean, train } = facts;
  const { factors, features, rate, rateDecay, decay, biasDecay, deviation } = options;
  const { arena, allocate, tensor } = engine;
  const { words, users, items } = createFields(facts, features);
  const k = padded(factors);
  const linear = tensor({ name: 'linear', shape: [words] });
  const vectors = tensor({ name: 'vectors', shape: [words, k], initial: normalRows(deviation, factors, k) });
  const kernels = engine.kernels<Kernels>(referenceKernels);
  const w = linear.values;
  const sum = allocate(k);
  const sums = arena.f32(sum, k);
  const vectorOf = (id: number): Pointer => vectors.pointer + 4 * k * id;

  /** Adds the vectors of a row to `sum`; returns its linear part less its squares. */
  const add = ({ offsets, ids, values }: Cells, row: number): number => {
    let total = 0;
    for (let cell = offsets[row]!; cell < offsets[row + 1]!; cell++) {
      const [id, x] = [ids[cell]!, values[cell]!];
      total += w[id]! * x - (x * x * kernels.sumSquares(k, vectorOf(id))) / 2;
      kernels.axpy(k, x, vectorOf(id), sum);
    }
    return total;
  };
  const predict = (user: number, item: number): number => {
    sums.fill(0);
    return mean + add(users, user) + add(items, item) + kernels.sumSquares(k, sum) / 2;
  };
  /** ∂ŷ/∂w = x and ∂ŷ/∂v = x (Σ v x − v x): equation 4. */
  const step = ({ offsets, ids, values }: Cells, row: number, error: number, now: number): void => {
    for (let cell = offsets[row]!; cell < offsets[row + 1]!; cell++) {
      const [id, x] = [ids[cell]!, values[cell]!];
      w[id]! += now * (error * x - biasDecay * w[id]!);
      kernels.axpy(k, -now * (error * x * x + decay), vectorOf(id), vectorOf(id));
      kernels.axpy(k, now * error * x, sum, vectorOf(id));
    }
  };

  return {
    tensors: [linear, vectors],
    epoch: (epoch) => {
      const now = rate * rateDecay ** (epoch.number - 1);
      let loss = 0;
      for (const { users: who, items: what, values } of epoch.batches(BATCH))
        for (let r = 0; r < values.length; r++) {
          const error = values[r]! - predict(who[r]!, what[r]!);
          step(users, who[r]!, error, now);
          step(items, what[r]!, error, now);
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
  defaults: { epochs: 12 },
  create,
});
