import { z } from 'zod';
import { defineModel } from '../port/definition.js';
import { createFactorModel } from './factor-model.js';
import { decayOption, deviationOption, factorsOption, rateDecayOption, rateOption } from './options.js';

const OPTIONS = z.strictObject({
  factors: factorsOption(32),
  rate: rateOption(0.005),
  rateDecay: rateDecayOption(1),
  decay: decayOption(0.05),
  deviation: deviationOption(0.05),
});

/** r̂ = μ + p_u·q_i, the maximum a posteriori of the paper's equation 4 by single ratings, without its logistic function. */
export const pmf = defineModel({
  name: 'pmf',
  version: '1',
  title: 'probabilistic matrix factorization: μ + p_u·q_i',
  paper: 'Salakhutdinov, Mnih: Probabilistic Matrix Factorization. NIPS 2007',
  options: OPTIONS,
  traits: { task: 'rating', feedback: 'explicit', training: 'epochs' },
  defaults: { epochs: 60 },
  create: (facts, options: z.infer<typeof OPTIONS>, engine) =>
    createFactorModel(facts, { ...options, biasDecay: null, implicitDecay: null }, engine),
});
