import { defineModel } from '../port/definition.js';
import { type NetworkOptions, networkDefinition } from './field-network.js';

/** The wide part is linear in the cells, without products of features. */
export const wideDeep = defineModel<NetworkOptions>({
  ...networkDefinition({ pairs: false, input: 'fields' }),
  name: 'wide-deep',
  title: 'Wide & Deep for ratings: linear weights, and a network on the embeddings of all fields',
  paper: 'Cheng et al.: Wide & Deep Learning for Recommender Systems. DLRS, 2016',
});

export const deepFm = defineModel<NetworkOptions>({
  ...networkDefinition({ pairs: true, input: 'fields' }),
  name: 'deepfm',
  title: 'DeepFM for ratings: a factorization machine of fields, and a network on the same embeddings',
  paper: 'Guo, Tang, Ye, Li, He: DeepFM: A Factorization-Machine based Neural Network for CTR Prediction. IJCAI, 2017',
});

export const nfm = defineModel<NetworkOptions>({
  ...networkDefinition({ pairs: false, input: 'pooled' }),
  name: 'nfm',
  title: 'neural factorization machine for ratings: linear weights, and a network on pooled pairs of fields',
  paper: 'He, Chua: Neural Factorization Machines for Sparse Predictive Analytics. SIGIR, 2017',
});
