import { badInput } from '../base/errors.js';
import type { AdamOptions } from '../tensor/adam.js';
import type { Algorithm, World } from './algorithm.js';
import { createFedAvg } from './fedavg/fedavg.js';
import type { FedAvgOptions } from './fedavg/options.js';
import { createMetaMF } from './metamf/metamf.js';
import type { MetaMFOptions } from './metamf/options.js';

/** Plain data that names an algorithm and everything it needs beside the rating set's public facts: it crosses threads. */
export type AlgorithmSetup = MetaMFSetup | FedAvgSetup;
export type MetaMFSetup = { readonly name: 'metamf'; readonly metamf: MetaMFOptions; readonly optimizer: OptimizerSetup };
export type FedAvgSetup = { readonly name: 'fedavg'; readonly fedavg: FedAvgOptions };

export type OptimizerSetup = Omit<AdamOptions, 'decay' | 'lazy'> & {
  readonly decay: number;
  /** λ by tensor: a name, or the part of it before a dot ("low" is low.weights and low.bias); the longest match counts. */
  readonly decayOf: Readonly<Record<string, number>>;
  /** Tensors, named likewise, with one second moment for the whole tensor. */
  readonly tensorMoments: readonly string[];
  /** Sparse tensors, named likewise, that are stepped row-lazily. */
  readonly lazy: readonly string[];
};

/** Whether `key` names `tensor` or a group it belongs to. */
const names = (key: string, tensor: string): boolean => tensor === key || tensor.startsWith(`${key}.`);

const longestMatch = (keys: readonly string[], tensor: string): string | undefined =>
  keys
    .filter((key) => names(key, tensor))
    .reduce<string | undefined>((best, key) => (best === undefined || key.length > best.length ? key : best), undefined);

const SPARSE_TENSORS = ['U', 'low'];

const createWithAdam = (world: World, options: MetaMFOptions, setup: OptimizerSetup): Algorithm => {
  const { decay, decayOf, tensorMoments, lazy, ...rest } = setup;
  for (const name of lazy) {
    if (!SPARSE_TENSORS.some((sparse) => names(sparse, name))) throw badInput('CONFIG', 'key optimizer.lazy', 'U or low', name);
    const other = tensorMoments.find((tensor) => names(tensor, name) || names(name, tensor));
    if (other !== undefined)
      throw badInput('CONFIG', 'key optimizer.lazy', 'tensors with a second moment per element', `${name}, which tensorMoments names`);
  }
  const adam: AdamOptions = {
    ...rest,
    decay: (tensor) => decayOf[longestMatch(Object.keys(decayOf), tensor) ?? ''] ?? decay,
    lazy: (tensor) => longestMatch(lazy, tensor) !== undefined,
  };
  return createMetaMF(world, options, adam, (tensor) => (longestMatch(tensorMoments, tensor) === undefined ? 'element' : 'tensor'));
};

/** Throws CONFIG for settings that contradict each other. */
export const createAlgorithm = (setup: AlgorithmSetup, world: World): Algorithm => {
  switch (setup.name) {
    case 'metamf':
      return createWithAdam(world, setup.metamf, setup.optimizer);
    case 'fedavg':
      return createFedAvg(world, setup.fedavg);
  }
};
