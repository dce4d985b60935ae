import { z } from 'zod';
import { defineModel } from '../port/definition.js';
import { createFactorModel } from './factor-model.js';
import { decayOption, deviationOption, factorsOption, rateDecayOption, rateOption } from './options.js';

const OPTIONS = z.strictObject({
  factors: factorsOption(128),
  rate: rateOption(0.01),
  rateDecay: rateDecayOption(0.97),
  decay: decayOption(0.055),
  biasDecay: decayOption(0.02, 'biases'),
  deviation: deviationOption(0.05),
});

/** r̂ = μ + b_u + b_i + p_u·q_i. Section "Adding biases" of the paper. */
export const biasedMf = defineModel({
  name: 'biased-mf',
  version: '1',
  title: 'biased matrix factorization: μ + b_u + b_i + p_u·q_i',
  paper: 'Koren, Bell, Volinsky: Matrix Factorization Techniques for Recommender Systems. IEEE Computer 42(8), 2009',
  options: OPTIONS,
  traits: { task: 'rating', feedback: 'explicit', training: 'epochs' },
  defaults: { epochs: 100 },
  create: (facts, options: z.infer<typeof OPTIONS>, engine) => createFactorModel(facts, { ...options, implicitDecay: null }, engine),
});
