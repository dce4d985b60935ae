import { z } from 'zod';
import { defineModel, type Facts, type Model } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import { countPairs } from './gram.js';
import { sweepAll } from './invert.js';
import { linearScores } from './linear-scores.js';

const OPTIONS = z.strictObject({
  lambda: z.number().positive().default(1000).describe('L2 weight λ on the diagonal of the Gram matrix'),
});

const create = (facts: Facts, { lambda }: z.infer<typeof OPTIONS>, engine: Engine): Model => {
  const { items: n } = facts;
  const weights = engine.tensor({ name: 'weights', shape: [n, n] });
  const B = weights.values;
  return {
    tensors: [weights],
    fit: () => {
      countPairs(facts, engine, B);
      for (let i = 0; i < n; i++) B[i * n + i]! += lambda;
      sweepAll(engine, weights.pointer, n);
      // −P is there now, P = (XᵀX + λI)⁻¹. B_ij = −P_ij / P_jj (equation 8).
      const diagonal = Float32Array.from({ length: n }, (_, i) => -B[i * n + i]!);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) B[i * n + j]! /= diagonal[j]!;
        B[i * n + i] = 0;
      }
      return null;
    },
    ...linearScores(facts, weights, engine),
  };
};

/** min ‖X − XB‖² + λ‖B‖² with a zero diagonal, for the 0/1 matrix X of interactions, in closed form. */
export const ease = defineModel({
  name: 'ease',
  version: '1',
  title: 'EASE: a linear autoencoder with a zero diagonal, in closed form',
  paper: 'Steck: Embarrassingly Shallow Autoencoders for Sparse Data. WWW 2019',
  options: OPTIONS,
  traits: { task: 'ranking', feedback: 'implicit', training: 'closed' },
  create,
});
