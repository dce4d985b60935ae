import type { Dataset } from '../../data/dataset.js';
import { fitBiases, globalMean, type Predictor, userMeans } from './bias-models.js';
import { fitMatrixFactorization } from './matrix-factorization.js';

/** Four central models, from the simplest to the strongest, by name. */
export const fitBaselines = async (dataset: Dataset, seed: number): Promise<Readonly<Record<string, Predictor>>> => {
  const mean = globalMean(dataset);
  const biases = fitBiases(dataset);
  return {
    'global mean': () => mean,
    'user mean': userMeans(dataset),
    'biased baseline': (user, item) => biases.mean + biases.user[user]! + biases.item[item]!,
    'matrix factorization': await fitMatrixFactorization(dataset, seed),
  };
};
