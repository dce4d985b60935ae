import { random, shuffle } from '../../base/random.js';
import type { Dataset } from '../../data/dataset.js';
import { type Biases, fitBiases, forEachRating, lossOf, type Predictor } from './bias-models.js';

/**
 * Biased matrix factorization, r̂ = μ + b_u + b_i + p_u·q_i, by stochastic gradient descent on all ratings in one place (Koren,
 * Bell & Volinsky, 2009). The epoch with the least validation loss is kept; without validation ratings, the last.
 */
const FACTORS = 16;
const RATE = 0.01;
const DECAY = 0.06;
const MOST_EPOCHS = 60;
const PATIENCE = 5;
const DEVIATION = 0.05;

type Factors = { readonly biases: Biases; readonly user: Float32Array; readonly item: Float32Array };

const predictorOf = ({ biases, user, item }: Factors): Predictor => {
  return (u, i) => {
    let prediction = biases.mean + biases.user[u]! + biases.item[i]!;
    for (let k = 0; k < FACTORS; k++) prediction += user[u * FACTORS + k]! * item[i * FACTORS + k]!;
    return prediction;
  };
};

const descend = ({ biases, user, item }: Factors, predict: Predictor, u: number, i: number, rating: number): void => {
  const error = rating - predict(u, i);
  biases.user[u]! += RATE * (error - DECAY * biases.user[u]!);
  biases.item[i]! += RATE * (error - DECAY * biases.item[i]!);
  for (let k = 0; k < FACTORS; k++) {
    const [p, q] = [user[u * FACTORS + k]!, item[i * FACTORS + k]!];
    user[u * FACTORS + k] = p + RATE * (error * q - DECAY * p);
    item[i * FACTORS + k] = q + RATE * (error * p - DECAY * q);
  }
};

const copyOf = ({ biases, user, item }: Factors): Factors => ({
  biases: { mean: biases.mean, user: biases.user.slice(), item: biases.item.slice() },
  user: user.slice(),
  item: item.slice(),
});

/** Yields to the event loop after every epoch, so that a progress display and Ctrl-C keep working. */
export const fitMatrixFactorization = async (dataset: Dataset, seed: number): Promise<Predictor> => {
  const { train, valid } = dataset.parts;
  const source = random(seed, 'matrix-factorization');
  const normal = (count: number) => Float32Array.from({ length: count }, () => DEVIATION * source.normal());
  const factors: Factors = { biases: fitBiases(dataset), user: normal(dataset.users * FACTORS), item: normal(dataset.items * FACTORS) };
  const users = new Uint32Array(train.items.length);
  let row = 0;
  forEachRating(train, (user) => {
    users[row++] = user;
  });
  const order = Uint32Array.from(users, (_, index) => index);
  const predict = predictorOf(factors);
  let best = { loss: Number.POSITIVE_INFINITY, factors: copyOf(factors), epoch: 0 };
  for (let epoch = 1; epoch <= MOST_EPOCHS && epoch - best.epoch <= PATIENCE; epoch++) {
    for (const index of shuffle(order, source)) descend(factors, predict, users[index]!, train.items[index]!, train.values[index]!);
    const loss = lossOf(predict, valid) ?? Number.POSITIVE_INFINITY;
    if (loss < best.loss || valid.values.length === 0) best = { loss, factors: copyOf(factors), epoch };
    await new Promise((resolve) => setImmediate(resolve));
  }
  return predictorOf(best.factors);
};
