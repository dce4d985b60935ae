import { z } from 'zod';
import type { Random } from '../../base/random.js';
import { createStruct, write } from '../../tensor/memory/struct.js';
import { defineModel, type Facts, type Model } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import { padded } from './factor-model.js';
import { factorScores } from './factor-scores.js';
import type { FactorKernels } from './kernels/factor-kernels.js';
import { factorReference } from './kernels/factor-reference.js';
import * as Factors from './kernels/structs/factors.js';
import { decayOption, factorsOption } from './options.js';

const OPTIONS = z.strictObject({
  factors: factorsOption(40),
  decay: decayOption(7, 'vectors, against the sum of squared errors'),
});
type Options = z.infer<typeof OPTIONS>;

/** Uniform around the numbers whose products have the mean rating: multiplication keeps them above zero. */
const positive =
  (mean: number, factors: number, k: number) =>
  (source: Random, values: Float32Array): void => {
    const middle = Math.sqrt(Math.max(mean, 1e-3) / factors);
    for (let at = 0; at < values.length; at += k) for (let e = 0; e < factors; e++) values[at + e] = middle * (0.5 + source.uniform());
  };

const create = ({ users, items, mean, train }: Facts, { factors, decay }: Options, engine: Engine): Model => {
  const { tensor, allocate, arena } = engine;
  const k = padded(factors);
  const initial = positive(mean, factors, k);
  const P = tensor({ name: 'users', shape: [users, k], initial });
  const Q = tensor({ name: 'items', shape: [items, k], initial });
  const kernels = engine.kernels<FactorKernels>(factorReference);
  const work = allocate(2 * k);
  const [ofUsers, ofItems] = [createStruct(arena, Factors), createStruct(arena, Factors)];
  write(ofUsers.view, Factors, { k, users: P.pointer, items: Q.pointer, ...engine.byUser().pointers, work });
  write(ofItems.view, Factors, { k, users: Q.pointer, items: P.pointer, ...engine.byItem().pointers, work });
  const form = {
    k,
    items,
    mean: 0,
    itemRows: Q.pointer,
    itemBias: null,
    userBias: null,
    userRow: (user: number) => P.pointer + 4 * k * user,
  };
  return {
    tensors: [P, Q],
    epoch: () => {
      const loss = kernels.multiplyFactors(ofUsers.pointer, 0, users, decay);
      kernels.multiplyFactors(ofItems.pointer, 0, items, decay);
      return loss / train.items.length;
    },
    ...factorScores(form, engine),
  };
};

/** r̂ = p_u·q_i with p, q ≥ 0 on the observed ratings alone, by the multiplicative updates of Lee and Seung with a mask. */
export const nmf = defineModel<Options>({
  name: 'nmf',
  version: '1',
  title: 'non-negative matrix factorization: p_u·q_i, p and q ≥ 0',
  paper: 'Zhang, Wang, Ford, Makedon: Learning from Incomplete Ratings Using Non-negative Matrix Factorization. SDM 2006',
  options: OPTIONS,
  traits: { task: 'rating', feedback: 'explicit', training: 'epochs' },
  defaults: { epochs: 120 },
  create,
});
