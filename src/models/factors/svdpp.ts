import { z } from 'zod';
import { defineModel } from '../port/definition.js';
import { createFactorModel } from './factor-model.js';
import { decayOption, deviationOption, factorsOption, rateDecayOption, rateOption } from './options.js';

const OPTIONS = z.strictObject({
  factors: factorsOption(128),
  rate: rateOption(0.007),
  rateDecay: rateDecayOption(0.98),
  decay: decayOption(0.055),
  biasDecay: decayOption(0.02, 'biases'),
  implicitDecay: decayOption(5e-4, "the items' implicit vectors"),
  deviation: deviationOption(0.05),
});

/**
 * r̂ = μ + b_u + b_i + q_i·(p_u + |N(u)|^(−1/2) Σ y_j), equation 15 of the paper. N(u) are the user's training items.
 * The implicit vectors take a step once for each user, with the sum of the steps of its ratings.
 */
export const svdpp = defineModel({
  name: 'svdpp',
  version: '1',
  title: 'SVD++: biased MF, with a second vector for each item that a user has rated',
  paper: 'Koren: Factorization Meets the Neighborhood: a Multifaceted Collaborative Filtering Model. KDD 2008',
  options: OPTIONS,
  traits: { task: 'rating', feedback: 'explicit', training: 'epochs' },
  defaults: { epochs: 60 },
  create: (facts, options: z.infer<typeof OPTIONS>, engine) => createFactorModel(facts, options, engine),
});
