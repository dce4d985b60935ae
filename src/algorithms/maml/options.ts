import { z } from 'zod';
import { badInput } from '../../base/errors.js';
import type { TensorSpec } from '../../messages/wire-tensor.js';
import type { Wire } from '../port/definition.js';

const count = z.int().min(1);

/** How the server learns from what adaptation leads to. */
export const VARIANTS = ['first-order', 'second-order', 'meta-sgd', 'reptile'] as const;

/**
 * Sizes of the shared model, by letters: n items, d dimensions.
 *
 *   E (n, d), B (n), w⁰ (d + 1)   ŷ = w[0] + B[i] + E[i]·w[1…d]
 *
 * w⁰ is the start of every user: a bias and a user vector p0. Each device adapts its own w from it. meta-sgd has d + 1 learned rates, too.
 */
export const mamlOptions = z.strictObject({
  variant: z
    .enum(VARIANTS)
    .default('first-order')
    .describe(
      'first-order: gradient at the adapted user part; second-order: through the inner steps; meta-sgd: first-order, with learned inner rates; reptile: sum of the inner gradients of the whole model',
    ),
  dimension: count.default(16).describe('size of an item vector and of the user vector'),
  innerSteps: count.default(5).describe('steps of gradient descent by which a device adapts, each on its whole support set'),
  innerRate: z
    .number()
    .positive()
    .default(0.4)
    .describe('learning rate of these steps, below 1, where the bias diverges; meta-sgd: what the learned rates start at'),
  support: z.number().gt(0).lt(1).default(0.8).describe('share of the records of a round that adapt; the others are the query set'),
  decay: z.number().min(0).default(0).describe("L2 weight of a query record's item row in the outer loss"),
  weighting: z
    .enum(['uniform', 'records'])
    .default('uniform')
    .describe('weight of a device in the mean gradient: 1, or the records of its query set'),
  rowWeighting: z
    .enum(['cohort', 'touched'])
    .default('touched')
    .describe("what an item row's sum is divided by: the weight of the cohort, or of the devices that sent the row"),
  outerRate: z.number().min(0).default(0.01).describe('learning rate of the server, which takes steps of Adam'),
  outerSchedule: z
    .enum(['constant', 'cosine'])
    .default('cosine')
    .describe('course of the outer rate; cosine: half a wave to 0 over outerAnnealRounds'),
  outerAnnealRounds: z.int().min(0).default(0).describe('rounds that the cosine takes; 0: those planned for the run (cosine)'),
});

export type MamlOptions = Readonly<z.infer<typeof mamlOptions>>;

/** Throws CONFIG for a rate by which the adaptation of the bias diverges: the mean squared error has the curvature 2 along it. */
export const checkOptions = ({ innerRate }: MamlOptions): void => {
  if (innerRate >= 1) throw badInput('CONFIG', 'key maml.innerRate', 'below 1', String(innerRate));
};

/** Options that the others leave without effect. */
export const unusedOptions = ({ variant, outerSchedule }: MamlOptions): readonly string[] => [
  ...(variant === 'reptile' ? ['support', 'decay'] : []),
  ...(outerSchedule === 'constant' ? ['outerAnnealRounds'] : []),
];

/** What travels, both ways. Up, it is the gradient. */
export const sharedTensors = ({ variant, dimension: d }: MamlOptions): readonly TensorSpec[] => [
  { name: 'items', perRow: true, shape: [d] },
  { name: 'offsets', perRow: true, shape: [1] },
  { name: 'start', perRow: false, shape: [d + 1] },
  ...(variant === 'meta-sgd' ? [{ name: 'rates', perRow: false, shape: [d + 1] }] : []),
];

export const wireOf = (options: MamlOptions): Wire => {
  const tensors = sharedTensors(options);
  return { down: tensors, up: tensors, weighting: options.weighting };
};
