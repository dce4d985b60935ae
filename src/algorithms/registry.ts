import { badInput } from '../base/errors.js';
import type { MomentKind } from '../tensor/memory/parameter.js';
import type { OptimizerOptions, Rule } from '../tensor/optimizers/optimizer.js';
import type { Regularization } from '../tensor/optimizers/step.js';
import { createFedAvg } from './fedavg/fedavg.js';
import type { FedAvgOptions } from './fedavg/options.js';
import type { Memory } from './metamf/layout.js';
import { createMetaMF } from './metamf/metamf.js';
import type { MetaMFOptions } from './metamf/options.js';
import type { Algorithm, World } from './port/algorithm.js';

/** Plain data that names an algorithm and everything it needs beside the rating set's public facts: it crosses threads. */
export type AlgorithmSetup = MetaMFSetup | FedAvgSetup;
export type MetaMFSetup = { readonly name: 'metamf'; readonly metamf: MetaMFOptions; readonly optimizer: OptimizerSetup };
export type FedAvgSetup = { readonly name: 'fedavg'; readonly fedavg: FedAvgOptions };

/** What a run is told of its optimizer, of whichever kind: rules take what is theirs. */
export type OptimizerSetup = Omit<Regularization, 'decay' | 'lazy'> & {
  readonly kind: Rule['kind'];
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly decay: number;
  /** λ by tensor: a name, or the part of it before a dot ("low" is low.weights and low.bias); the longest match counts. */
  readonly decayOf: Readonly<Record<string, number>>;
  /** Tensors, named likewise, with one second moment for the whole tensor, or for each row. */
  readonly tensorMoments: readonly string[];
  readonly rowMoments: readonly string[];
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

const refuse = (key: string, expected: string, found: string): Error => badInput('CONFIG', `key optimizer.${key}`, expected, found);

/** The first name of one list that also names, or lies within, one of another. */
const overlap = (some: readonly string[], others: readonly string[]): string | undefined =>
  some.find((name) => others.some((other) => names(other, name) || names(name, other)));

/** Throws CONFIG for settings that contradict each other, or that the chosen kind does not know. */
const checkOptimizer = ({ kind, momentum, nesterov, tensorMoments, rowMoments, lazy, popularity, decoupled }: OptimizerSetup): void => {
  for (const [key, list] of Object.entries({ rowMoments, lazy })) {
    const dense = list.find((name) => !SPARSE_TENSORS.some((sparse) => names(sparse, name)));
    if (dense !== undefined) throw refuse(key, 'U or low', dense);
  }
  if (kind !== 'adam' && rowMoments.length > 0)
    throw refuse('rowMoments', `nothing, since ${kind} has no second moments`, rowMoments.join(', '));
  const ofTensors = kind === 'adam' ? tensorMoments : [];
  const twice = overlap(rowMoments, ofTensors);
  if (twice !== undefined) throw refuse('rowMoments', 'tensors that tensorMoments does not name', twice);
  const single = overlap(lazy, ofTensors);
  if (single !== undefined) throw refuse('lazy', 'tensors with a second moment per element', `${single}, which tensorMoments names`);
  if (nesterov && (kind !== 'sgd' || momentum === 0)) throw refuse('nesterov', 'false without the momentum of sgd', 'true');
  if (popularity > 0 && !decoupled) throw refuse('popularity', '0 unless decoupled is true', String(popularity));
  const untouched = popularity > 0 ? overlap(lazy, ['low']) : undefined;
  if (untouched !== undefined) throw refuse('lazy', 'nothing of low, whose rows decay by popularity', untouched);
};

const ruleOf = ({ kind, beta1, beta2, epsilon, momentum, nesterov }: OptimizerSetup): Rule => {
  switch (kind) {
    case 'adam':
      return { kind, beta1, beta2, epsilon };
    case 'adagrad':
      return { kind, epsilon };
    case 'sgd':
      return { kind, momentum, nesterov };
  }
};

const optimizerOf = (setup: OptimizerSetup): { readonly optimizer: OptimizerOptions; readonly memory: Memory } => {
  checkOptimizer(setup);
  const { kind, clip, decoupled, popularity, decay, decayOf, tensorMoments, rowMoments, lazy } = setup;
  const adamKind = (tensor: string): MomentKind => {
    if (longestMatch(tensorMoments, tensor) !== undefined) return 'tensor';
    return longestMatch(rowMoments, tensor) === undefined ? 'element' : 'row';
  };
  const kindOf: Readonly<Record<Rule['kind'], (tensor: string) => MomentKind>> = {
    adam: adamKind,
    adagrad: () => 'squares',
    sgd: () => 'velocity',
  };
  return {
    optimizer: {
      ...ruleOf(setup),
      clip,
      decoupled,
      popularity,
      decay: (tensor) => decayOf[longestMatch(Object.keys(decayOf), tensor) ?? ''] ?? decay,
      lazy: (tensor) => longestMatch(lazy, tensor) !== undefined,
    },
    memory: (tensor) => ({ kind: kindOf[kind](tensor), counted: popularity > 0 && names('low', tensor) }),
  };
};

const createWithOptimizer = (world: World, options: MetaMFOptions, setup: OptimizerSetup): Algorithm => {
  const { optimizer, memory } = optimizerOf(setup);
  return createMetaMF(world, options, optimizer, memory);
};

/** Throws CONFIG for settings that contradict each other. */
export const createAlgorithm = (setup: AlgorithmSetup, world: World): Algorithm => {
  switch (setup.name) {
    case 'metamf':
      return createWithOptimizer(world, setup.metamf, setup.optimizer);
    case 'fedavg':
      return createFedAvg(world, setup.fedavg);
  }
};
