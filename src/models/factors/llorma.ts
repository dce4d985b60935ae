import { z } from 'zod';
import { createStruct, write } from '../../tensor/memory/struct.js';
import { defineModel, type Facts, type Model } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import { hyperStruct, normalRows, padded } from './factor-model.js';
import type { FactorKernels } from './kernels/factor-kernels.js';
import { factorReference } from './kernels/factor-reference.js';
import * as Descent from './kernels/structs/descent.js';
import * as Factors from './kernels/structs/factors.js';
import { chooseNeighbourhoods } from './neighbourhoods.js';
import { decayOption, deviationOption, factorsOption, rateDecayOption, rateOption } from './options.js';

const OPTIONS = z.strictObject({
  models: z.int().min(1).max(1000).default(20).describe('local models, each around a training rating that is drawn'),
  factors: factorsOption(20),
  rate: rateOption(0.08),
  rateDecay: rateDecayOption(0.9),
  decay: decayOption(0.05),
  biasDecay: decayOption(0.02, 'biases'),
  deviation: deviationOption(0.05),
  width: z.number().positive().max(2).default(0.8).describe('distance from which on ratings have no weight; orthogonal rows have 1'),
  globalFactors: z.int().min(1).default(10).describe('rank of the factorization that measures distances'),
  globalEpochs: z.int().min(1).default(20).describe('its epochs, which are part of the first one'),
});
type Options = z.infer<typeof OPTIONS>;

/** Σ_t w r̂ / Σ_t w over the local models t, where w = K(u_t, u)·K(i_t, i): equation 7. Without any weight it is μ. */
const create = (facts: Facts, options: Options, engine: Engine): Model => {
  const { users, items, mean, train } = facts;
  const { models, factors, rate, rateDecay, decay, biasDecay, deviation } = options;
  const { tensor, allocate, arena } = engine;
  const k = padded(factors);
  const initial = normalRows(deviation, factors, k);
  const P = tensor({ name: 'users', shape: [models, users, k], initial });
  const Q = tensor({ name: 'items', shape: [models, items, k], initial });
  const [userBias, itemBias] = [
    tensor({ name: 'userBiases', shape: [models, users] }),
    tensor({ name: 'itemBiases', shape: [models, items] }),
  ];
  const [userWeights, itemWeights] = [
    tensor({ name: 'userWeights', shape: [models, users] }),
    tensor({ name: 'itemWeights', shape: [models, items] }),
  ];
  const kernels = engine.kernels<FactorKernels>(factorReference);
  const model = createStruct(arena, Factors);
  write(model.view, Factors, { k, ...engine.byUser().pointers, work: allocate(2 * k) });
  const hyper = hyperStruct(engine);
  write(hyper.view, Descent, { mean, decay, biasDecay });
  const order = allocate(users);

  const descend = (t: number): number => {
    const [ofUsers, ofItems] = [4 * t * users, 4 * t * items];
    write(model.view, Factors, {
      ...{ users: P.pointer + k * ofUsers, items: Q.pointer + k * ofItems },
      ...{ userBias: userBias.pointer + ofUsers, itemBias: itemBias.pointer + ofItems },
      ...{ userWeight: userWeights.pointer + ofUsers, itemWeight: itemWeights.pointer + ofItems },
    });
    return kernels.descendFactors(model.pointer, users, order, hyper.pointer);
  };
  const predict = (t: number, user: number, item: number): number => {
    const [u, i] = [t * users + user, t * items + item];
    let sum = mean + userBias.values[u]! + itemBias.values[i]!;
    for (let e = 0; e < k; e++) sum += P.values[u * k + e]! * Q.values[i * k + e]!;
    return sum;
  };

  return {
    tensors: [P, Q, userBias, itemBias, userWeights, itemWeights],
    epoch: (epoch) => {
      if (epoch.number === 1) chooseNeighbourhoods(facts, { userWeights, itemWeights }, options, engine, epoch);
      hyper.view[Descent.rate] = rate * rateDecay ** (epoch.number - 1);
      arena.u32(order, users).set(epoch.users());
      let loss = 0;
      for (let t = 0; t < models; t++) loss += descend(t);
      return loss / train.items.length / models;
    },
    scores: (user, list, out) => {
      const [sums, totals] = [new Float64Array(list.length), new Float64Array(list.length)];
      for (let t = 0; t < models; t++) {
        const own = userWeights.values[t * users + user]!;
        if (own === 0) continue;
        for (let r = 0; r < list.length; r++) {
          const weight = own * itemWeights.values[t * items + list[r]!]!;
          if (weight === 0) continue;
          sums[r]! += weight * predict(t, user, list[r]!);
          totals[r]! += weight;
        }
      }
      for (let r = 0; r < list.length; r++) out[r] = totals[r] === 0 ? mean : sums[r]! / totals[r]!;
    },
  };
};

/** Local models are μ + b_u + b_i + p·q: the paper's p·q, with a constant and biases among its ranks. */
export const llorma = defineModel<Options>({
  name: 'llorma',
  version: '1',
  title: 'local low-rank matrix approximation: a weighted mean of factorizations, each of the ratings near an anchor',
  paper: 'Lee, Kim, Lebanon, Singer: Local Low-Rank Matrix Approximation. ICML, 2013',
  options: OPTIONS,
  traits: { task: 'rating', feedback: 'explicit', training: 'epochs' },
  defaults: { epochs: 18, patience: 3 },
  create,
});
