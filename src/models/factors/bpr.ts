import { z } from 'zod';
import { createStruct, write } from '../../tensor/memory/struct.js';
import { defineModel, type Facts, type Model } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import { hyperStruct, normalRows, padded } from './factor-model.js';
import { factorScores } from './factor-scores.js';
import type { FactorKernels } from './kernels/factor-kernels.js';
import { factorReference } from './kernels/factor-reference.js';
import * as Descent from './kernels/structs/descent.js';
import * as Factors from './kernels/structs/factors.js';
import { decayOption, deviationOption, factorsOption, rateDecayOption, rateOption } from './options.js';

const OPTIONS = z.strictObject({
  factors: factorsOption(64),
  rate: rateOption(0.05),
  rateDecay: rateDecayOption(0.98),
  decay: decayOption(0.01),
  biasDecay: decayOption(0.01, 'item biases'),
  deviation: deviationOption(0.05),
});
type Options = z.infer<typeof OPTIONS>;

/** Triples that one call of the kernel takes. */
const CHUNK = 1 << 16;

const create = ({ users, items, train }: Facts, options: Options, engine: Engine): Model => {
  const { factors, rate, rateDecay, decay, biasDecay, deviation } = options;
  const { tensor, allocate, arena } = engine;
  const k = padded(factors);
  const initial = normalRows(deviation, factors, k);
  const P = tensor({ name: 'users', shape: [users, k], initial });
  const Q = tensor({ name: 'items', shape: [items, k], initial });
  const bias = tensor({ name: 'itemBiases', shape: [items] });
  const kernels = engine.kernels<FactorKernels>(factorReference);
  const model = createStruct(arena, Factors);
  write(model.view, Factors, { k, users: P.pointer, items: Q.pointer, itemBias: bias.pointer });
  const hyper = hyperStruct(engine);
  write(hyper.view, Descent, { decay, biasDecay });
  const [user, positive, negative] = [allocate(CHUNK), allocate(CHUNK), allocate(CHUNK)];
  const negatives = arena.u32(negative, CHUNK);
  const draw = engine.negatives();
  const userRow = (index: number): number => P.pointer + 4 * k * index;
  return {
    tensors: [P, Q, bias],
    epoch: (epoch) => {
      hyper.view[Descent.rate] = rate * rateDecay ** (epoch.number - 1);
      const source = epoch.random('negatives');
      let loss = 0;
      for (const batch of epoch.batches(CHUNK)) {
        const count = batch.users.length;
        arena.u32(user, count).set(batch.users);
        arena.u32(positive, count).set(batch.items);
        for (let r = 0; r < count; r++) negatives[r] = draw(batch.users[r]!, source);
        loss += kernels.descendPairs(model.pointer, count, user, positive, negative, hyper.pointer);
      }
      return loss / train.items.length;
    },
    ...factorScores({ k, items, mean: 0, itemRows: Q.pointer, itemBias: bias.pointer, userBias: null, userRow }, engine),
  };
};

/** σ(x_ui − x_uj) for an item i that the user has and an item j that it has not, x = b_i + p_u·q_i: every interaction once an epoch. */
export const bpr = defineModel<Options>({
  name: 'bpr',
  version: '1',
  title: 'Bayesian personalized ranking of b_i + p_u·q_i',
  paper: 'Rendle, Freudenthaler, Gantner, Schmidt-Thieme: BPR: Bayesian Personalized Ranking from Implicit Feedback. UAI 2009',
  options: OPTIONS,
  traits: { task: 'ranking', feedback: 'implicit', training: 'epochs' },
  defaults: { epochs: 100 },
  create,
});
