import { badInput } from '../../base/errors.js';
import type { MomentKind } from '../memory/parameter.js';
import type { OptimizerOptions, Rule } from './optimizer.js';
import type { Regularization } from './step.js';

/** A run's settings of its optimizer. Each rule takes those that it knows. They are plain data, which crosses threads. */
export type OptimizerSetup = Omit<Regularization, 'decay' | 'lazy'> & {
  readonly kind: Rule['kind'];
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly decay: number;
  /** λ by tensor: a name, or the part of it before a dot ("low" is low.weights and low.bias). The longest match counts. */
  readonly decayOf: Readonly<Record<string, number>>;
  /** Tensors, by the same names, with one second moment for the whole tensor, or for each row. */
  readonly tensorMoments: readonly string[];
  readonly rowMoments: readonly string[];
  /** Sparse tensors, by the same names, that are stepped row-lazily. */
  readonly lazy: readonly string[];
};

/** What the optimizer keeps for a tensor, by name. `counted`: rounds that touch a row are counted. */
export type KeptByOptimizer = (name: string) => { readonly kind: MomentKind; readonly counted: boolean };

/** An algorithm's sparse tensors, and the one of them whose rows may decay by popularity. */
export type SparseTensors = { readonly names: readonly string[]; readonly byPopularity: string };

/** Whether `key` names `tensor` or a group it belongs to. */
const names = (key: string, tensor: string): boolean => tensor === key || tensor.startsWith(`${key}.`);

const longestMatch = (keys: readonly string[], tensor: string): string | undefined =>
  keys
    .filter((key) => names(key, tensor))
    .reduce<string | undefined>((best, key) => (best === undefined || key.length > best.length ? key : best), undefined);

const refuse = (key: string, expected: string, found: string): Error => badInput('CONFIG', `key optimizer.${key}`, expected, found);

/** The first name of one list that contains, or belongs to, a name of the other. */
const overlap = (some: readonly string[], others: readonly string[]): string | undefined =>
  some.find((name) => others.some((other) => names(other, name) || names(name, other)));

/** @throws MetafleetError CONFIG for settings that contradict each other, or that the chosen kind does not know. */
const checkSetup = (setup: OptimizerSetup, sparse: SparseTensors): void => {
  const { kind, momentum, nesterov, tensorMoments, rowMoments, lazy, popularity, decoupled } = setup;
  for (const [key, list] of Object.entries({ rowMoments, lazy })) {
    const dense = list.find((name) => !sparse.names.some((tensor) => names(tensor, name)));
    if (dense !== undefined) throw refuse(key, sparse.names.join(' or '), dense);
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
  const untouched = popularity > 0 ? overlap(lazy, [sparse.byPopularity]) : undefined;
  if (untouched !== undefined) throw refuse('lazy', `nothing of ${sparse.byPopularity}, whose rows decay by popularity`, untouched);
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

/** @throws MetafleetError CONFIG for settings that contradict each other, or that the chosen kind does not know. */
export const optimizerOf = (
  setup: OptimizerSetup,
  sparse: SparseTensors,
): { readonly optimizer: OptimizerOptions; readonly keeps: KeptByOptimizer } => {
  checkSetup(setup, sparse);
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
    keeps: (tensor) => ({ kind: kindOf[kind](tensor), counted: popularity > 0 && names(sparse.byPopularity, tensor) }),
  };
};
