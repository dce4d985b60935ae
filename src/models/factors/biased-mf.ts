import { z } from 'zod';
import { defineModel, type Facts, type Model } from '../port/definition.js';
import type { Engine } from '../port/engine.js';

const OPTIONS = z.strictObject({
  factors: z.int().min(1).default(64).describe('length of the vectors of users and items'),
  rate: z.number().positive().default(0.01).describe('learning rate of the first epoch'),
  rateDecay: z.number().positive().max(1).default(0.97).describe('factor on the learning rate after each epoch'),
  decay: z.number().min(0).default(0.06).describe('L2 weight of vectors'),
  biasDecay: z.number().min(0).default(0.02).describe('L2 weight of biases'),
});
type Options = z.infer<typeof OPTIONS>;

const create = ({ users, items, mean, train }: Facts, options: Options, { tensor }: Engine): Model => {
  const { factors, rate, rateDecay, decay, biasDecay } = options;
  const normal = (source: { normal(): number }, values: Float32Array): void => {
    for (let i = 0; i < values.length; i++) values[i] = 0.05 * source.normal();
  };
  const userVectors = tensor({ name: 'users', shape: [users, factors], initial: normal });
  const itemVectors = tensor({ name: 'items', shape: [items, factors], initial: normal });
  const userBiases = tensor({ name: 'userBiases', shape: [users] });
  const itemBiases = tensor({ name: 'itemBiases', shape: [items] });
  const [P, Q, bu, bi] = [userVectors, itemVectors, userBiases, itemBiases].map(({ values }) => values) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const predict = (user: number, item: number): number => {
    let sum = mean + bu[user]! + bi[item]!;
    for (let k = 0; k < factors; k++) sum += P[user * factors + k]! * Q[item * factors + k]!;
    return sum;
  };
  return {
    tensors: [userVectors, itemVectors, userBiases, itemBiases],
    epoch: (epoch) => {
      const step = rate * rateDecay ** (epoch.number - 1);
      let loss = 0;
      for (const user of epoch.users()) {
        for (let row = train.offsets[user]!; row < train.offsets[user + 1]!; row++) {
          const item = train.items[row]!;
          const error = train.values[row]! - predict(user, item);
          loss += error * error;
          bu[user]! += step * (error - biasDecay * bu[user]!);
          bi[item]! += step * (error - biasDecay * bi[item]!);
          for (let k = 0; k < factors; k++) {
            const [p, q] = [P[user * factors + k]!, Q[item * factors + k]!];
            P[user * factors + k] = p + step * (error * q - decay * p);
            Q[item * factors + k] = q + step * (error * p - decay * q);
          }
        }
      }
      return loss / train.items.length;
    },
    scores: (user, list, out) => list.forEach((item, index) => (out[index] = predict(user, item))),
  };
};

export const biasedMf = defineModel<Options>({
  name: 'biased-mf',
  version: '1',
  title: 'biased matrix factorization: μ + b_u + b_i + p_u·q_i',
  paper: 'Koren, Bell, Volinsky: Matrix Factorization Techniques for Recommender Systems. IEEE Computer, 2009',
  options: OPTIONS,
  traits: { task: 'rating', feedback: 'explicit', training: 'epochs' },
  defaults: { epochs: 100 },
  create,
});
