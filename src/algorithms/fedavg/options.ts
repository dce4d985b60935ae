import { z } from 'zod';
import { badInput } from '../../base/errors.js';
import type { TensorSpec } from '../../messages/wire-tensor.js';
import type { DownSpec, Wire } from '../port/definition.js';
import { SERVER_OPTIMIZERS, type ServerOptimizer } from './server-optimizer.js';

const count = z.int().min(1);
const share = z.number().min(0).lt(1);
const level = z.number().min(0);

/**
 * Sizes of the shared model, by letters: n items. The user vector p_u (d) and its bias b_u are private and never sent.
 *
 *   dot   E (n, d), B (n)                               ŷ = c_u + b_u + B[i] + E[i]·p_u
 *   mlp   E (n, d), w1 (d, f), b1 (f), w2 (f), b2 (1)   ŷ = c_u + w2·ReLU((E[i] ⊙ p_u)·w1 + b1) + b2
 *
 * dot has n·(d + 1) shared parameters. mlp has n·d + d·f + 2·f + 1: 118,865 for 3,706 items with d = 32 and f = 8.
 */
export const fedavgOptions = z.strictObject({
  model: z
    .enum(['dot', 'mlp'])
    .default('dot')
    .describe('dot: biased matrix factorization with a private user part; mlp: item row times private user vector, into a small network'),
  itemEmbedding: count.default(32).describe('size of an item embedding and of the private user vector'),
  units: count.default(8).describe('hidden units of the prediction network (mlp)'),
  centring: z
    .enum(['none', 'device-mean'])
    .default('device-mean')
    .describe('device-mean: a device subtracts the damped mean of its own ratings, privately; none: it learns from them as they are'),
  centringDamping: level.default(10).describe('ratings at the middle of the scale that a device counts in for its mean (device-mean)'),
  localEpochs: count.default(1).describe('passes of a device over its batch in a round'),
  localBatch: count.default(1).describe('ratings in a local step'),
  localRate: z.number().positive().default(0.01).describe("learning rate of the device's local steps"),
  itemRate: level.default(0).describe('that of item rows; 0: localRate'),
  userRate: level.default(0).describe('that of the private user part; 0: localRate'),
  itemDecay: level.default(0.05).describe("L2 weight of a rating's item row in the local objective"),
  userDecay: level.default(0.05).describe('L2 weight of the private user part in the local objective'),
  proximal: level.default(0).describe("μ of FedProx: local steps are drawn back to the server's weights; 0: not"),
  controlVariates: z
    .boolean()
    .default(false)
    .describe("SCAFFOLD: local steps are corrected by the server's and the device's control variates, which travel too"),
  weighting: z
    .enum(['records', 'uniform'])
    .default('records')
    .describe('weight of a device in the mean difference: its training records, or 1'),
  rowWeighting: z
    .enum(['cohort', 'touched'])
    .default('cohort')
    .describe("what an item row's sum is divided by: the weight of the cohort, or of the devices that touched the row"),
  untouchedRows: z
    .enum(['decay', 'keep'])
    .default('decay')
    .describe('item rows that no device of a round touched: their moments decay and move them (the paper), or they keep all'),
  serverOptimizer: z
    .enum(SERVER_OPTIMIZERS)
    .default('sgd')
    .describe('rule on the mean difference: sgd (FedAvg), momentum (FedAvgM), adagrad, adam, yogi (FedAdagrad, FedAdam, FedYogi)'),
  serverRate: level
    .default(0)
    .describe('factor on the mean difference or on the step of the optimizer, 1 in the original FedAvg; 0: one that suits the optimizer'),
  serverSchedule: z
    .enum(['constant', 'cosine'])
    .default('cosine')
    .describe('course of the server rate; cosine: half a wave to 0 over serverAnnealRounds'),
  serverAnnealRounds: z.int().min(0).default(0).describe('rounds that the cosine takes; 0: those planned for the run (cosine)'),
  beta1: share.default(0.9).describe('decay of the first moment (momentum, adagrad, adam, yogi)'),
  beta2: share.default(0.99).describe('decay of the second moment (adam, yogi)'),
  tau: z
    .number()
    .positive()
    .default(0.001)
    .describe('τ, added to the root of the second moment (adagrad, adam, yogi): the smaller, the more adaptive'),
});

export type FedAvgOptions = Readonly<z.infer<typeof fedavgOptions>>;

export const serverOptimizerOf = ({ serverOptimizer: kind, beta1, beta2, tau }: FedAvgOptions): ServerOptimizer => ({
  kind,
  beta1,
  beta2,
  tau,
});

/**
 * Server rates found by validation error on MovieLens-1M (dot, cohorts of 64), where none is given. Those of sgd and momentum are above 1 since
 * a mean over a cohort counts zeros of the devices that do not have an item.
 */
export const serverRateOf = ({ serverOptimizer, rowWeighting, serverRate }: FedAvgOptions): number => {
  if (serverRate !== 0) return serverRate;
  switch (serverOptimizer) {
    case 'sgd':
      return rowWeighting === 'cohort' ? 20 : 2;
    case 'momentum':
      return rowWeighting === 'cohort' ? 2 : 0.2;
    case 'adagrad':
      return 0.3;
    case 'adam':
    case 'yogi':
      return 0.05;
  }
};

/** Local rates of the dense tensors, of item rows and of what is private. */
export const localRatesOf = ({ localRate, itemRate, userRate }: FedAvgOptions) => ({
  dense: localRate,
  items: itemRate === 0 ? localRate : itemRate,
  own: userRate === 0 ? localRate : userRate,
});

/** Options that the others leave without effect. */
export const unusedOptions = (options: FedAvgOptions): readonly string[] => {
  const { model, centring, itemRate, userRate, serverOptimizer, serverSchedule } = options;
  const adapts = serverOptimizer !== 'sgd' && serverOptimizer !== 'momentum';
  const idle: readonly (readonly [isIdle: boolean, ...names: string[]])[] = [
    [model === 'dot', 'units'],
    // All that the dot model shares are item rows.
    [model === 'dot' && itemRate !== 0 && userRate !== 0, 'localRate'],
    [centring === 'none', 'centringDamping'],
    [serverOptimizer === 'sgd', 'beta1', 'untouchedRows'],
    [!adapts || serverOptimizer === 'adagrad', 'beta2'],
    [!adapts, 'tau'],
    [serverSchedule === 'constant', 'serverAnnealRounds'],
  ];
  return idle.flatMap(([isIdle, ...names]) => (isIdle ? names : []));
};

/** Throws CONFIG for a proximal term whose local steps go further past the server's weights than they were away from them. */
export const checkOptions = (options: FedAvgOptions): void => {
  const { dense, items } = localRatesOf(options);
  const rate = options.model === 'dot' ? items : Math.max(dense, items);
  if (options.proximal * rate >= 2)
    throw badInput('CONFIG', 'key fedavg.proximal', `below 2 ÷ the local rate, ${2 / rate}`, String(options.proximal));
};

/** Tensors of the shared model, row tensors first. */
export const modelTensors = ({ model, itemEmbedding: d, units: f }: FedAvgOptions): readonly TensorSpec[] => {
  const items = { name: 'items', perRow: true, shape: [d] };
  if (model === 'dot') return [items, { name: 'offsets', perRow: true, shape: [1] }];
  return [
    items,
    { name: 'w1', perRow: false, shape: [d, f] },
    { name: 'b1', perRow: false, shape: [f] },
    { name: 'w2', perRow: false, shape: [f] },
    { name: 'b2', perRow: false, shape: [1] },
  ];
};

const CONTROL = 'control.';

export const isControl = ({ name }: TensorSpec): boolean => name.startsWith(CONTROL);

/**
 * What travels, both ways: the model, and where devices correct by control variates those of each tensor. Row tensors come first. Models to
 * measure with have no control variates.
 */
export const sharedTensors = (options: FedAvgOptions): readonly DownSpec[] => {
  const model = modelTensors(options);
  if (!options.controlVariates) return model;
  const all = [...model, ...model.map((spec) => ({ ...spec, name: `${CONTROL}${spec.name}`, trainingOnly: true }))];
  return [...all.filter(({ perRow }) => perRow), ...all.filter(({ perRow }) => !perRow)];
};

export const wireOf = (options: FedAvgOptions): Wire => ({
  down: sharedTensors(options),
  up: sharedTensors(options).map(({ name, perRow, shape }) => ({ name, perRow, shape })),
  weighting: options.weighting,
});

/** Of tensors as they travel, those of the model and their control variates, each in the order of `modelTensors`. */
export const splitTensors = <T>(options: FedAvgOptions, tensors: readonly T[]): { model: T[]; control: T[] } => {
  const specs = sharedTensors(options);
  return {
    model: tensors.filter((_, index) => !isControl(specs[index]!)),
    control: tensors.filter((_, index) => isControl(specs[index]!)),
  };
};
