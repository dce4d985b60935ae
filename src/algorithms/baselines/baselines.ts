import type { Dataset } from '../../data/dataset.js';
import { errorOf, fitBiases, globalMean, userMeans } from './bias-models.js';
import { fitMatrixFactorization } from './matrix-factorization.js';

export type BaselineErrors = Readonly<Record<string, { readonly mae: number; readonly mse: number }>>;

/** Errors of four central models on the test part of the same split, from the simplest to the strongest. */
export const measureBaselines = async (dataset: Dataset, seed: number): Promise<BaselineErrors> => {
  const { test } = dataset.parts;
  const mean = globalMean(dataset);
  const biases = fitBiases(dataset);
  return {
    'global mean': errorOf(() => mean, test),
    'user mean': errorOf(userMeans(dataset), test),
    'biased baseline': errorOf((user, item) => biases.mean + biases.user[user]! + biases.item[item]!, test),
    'matrix factorization': errorOf(await fitMatrixFactorization(dataset, seed), test),
  };
};
