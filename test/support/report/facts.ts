import type { RunFacts } from '../../../src/runs/folder/summary.js';

export const facts: RunFacts = {
  run: 'ml-small-metamf-1',
  algorithm: 'metamf',
  config: { data: 'ml-small', seed: 1 },
  seed: 1,
  environment: { metafleet: '0.1.0', node: '20.20.2', platform: 'linux x64', cpu: 'test', cpus: 2, kernels: 'simd' },
  dataset: { name: 'ml-small', users: 671, items: 9066, ratings: { train: 80_000, valid: 10_000, test: 10_004 } },
  metrics: ['mae', 'mse'],
  stopOn: 'mse',
  baselines: {
    'global mean': { mae: 0.85, mse: 1.11 },
    'user mean': { mae: 0.74, mse: 0.92 },
    'biased baseline': { mae: 0.682, mse: 0.772 },
    'matrix factorization (central)': { mae: 0.69, mse: 0.84 },
  },
};
