import type { AdamOptions } from '../tensor/adam.js';
import type { Algorithm, World } from './algorithm.js';
import { createMetaMF } from './metamf/metamf.js';
import type { MetaMFOptions } from './metamf/options.js';

/** Plain data that names an algorithm and everything it needs beside the rating set's public facts: it crosses threads. */
export type AlgorithmSetup = { readonly name: 'metamf'; readonly metamf: MetaMFOptions; readonly optimizer: OptimizerSetup };

export type OptimizerSetup = Omit<AdamOptions, 'decay'> & {
  readonly decay: number;
  /** λ by tensor: a name, or the part of it before a dot ("low" is low.weights and low.bias); the longest match counts. */
  readonly decayOf: Readonly<Record<string, number>>;
  /** Tensors, named likewise, with one second moment for the whole tensor. */
  readonly tensorMoments: readonly string[];
};

/** Whether `key` names `tensor` or a group it belongs to. */
const names = (key: string, tensor: string): boolean => tensor === key || tensor.startsWith(`${key}.`);

const longestMatch = (keys: readonly string[], tensor: string): string | undefined =>
  keys
    .filter((key) => names(key, tensor))
    .reduce<string | undefined>((best, key) => (best === undefined || key.length > best.length ? key : best), undefined);

export const createAlgorithm = (setup: AlgorithmSetup, world: World): Algorithm => {
  const { decay, decayOf, tensorMoments, ...rest } = setup.optimizer;
  const decayByName = (tensor: string): number => decayOf[longestMatch(Object.keys(decayOf), tensor) ?? ''] ?? decay;
  const moment = (tensor: string) => (longestMatch(tensorMoments, tensor) === undefined ? 'element' : 'tensor');
  switch (setup.name) {
    case 'metamf':
      return createMetaMF(world, setup.metamf, { ...rest, decay: decayByName }, moment);
  }
};
