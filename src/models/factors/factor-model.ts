import type { Random } from '../../base/random.js';
import { createStruct, write } from '../../tensor/memory/struct.js';
import type { Facts, Model } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import type { ModelTensor } from '../port/tensors.js';
import { factorScores } from './factor-scores.js';
import type { FactorKernels } from './kernels/factor-kernels.js';
import { factorReference } from './kernels/factor-reference.js';
import * as Descent from './kernels/structs/descent.js';
import * as Factors from './kernels/structs/factors.js';

/** Rows in the kernels' memory have a multiple of 4 numbers. */
export const padded = (factors: number): number => (factors + 3) & ~3;

/** Normal numbers in the first `factors` columns of rows of `k`; the others stay zero. */
export const normalRows =
  (deviation: number, factors: number, k: number) =>
  (source: Random, values: Float32Array): void => {
    for (let at = 0; at < values.length; at += k) for (let e = 0; e < factors; e++) values[at + e] = deviation * source.normal();
  };

/** A struct of float64 numbers, which an epoch writes anew. */
export const hyperStruct = ({ arena, allocate }: Engine): { readonly pointer: number; readonly view: Float64Array } => {
  const pointer = allocate(2 * Object.keys(Descent).length);
  return { pointer, view: arena.f64(pointer, Object.keys(Descent).length) };
};

/** Which parts a model's prediction mean [+ b_u + b_i] + q·(p [+ |N|^(−1/2) Σ y]) has, and how they are learned. */
export type FactorSettings = {
  readonly factors: number;
  readonly rate: number;
  /** Factor on the rate after each epoch. */
  readonly rateDecay: number;
  /** L2 weights; null: the model has no such part. */
  readonly decay: number;
  readonly biasDecay: number | null;
  readonly implicitDecay: number | null;
  /** Standard deviation of the first vectors. */
  readonly deviation: number;
};

/** PMF, biased MF and SVD++: stochastic gradient descent on single ratings, user by user in an order that each epoch draws. */
export const createFactorModel = (facts: Facts, settings: FactorSettings, engine: Engine): Model => {
  const { users, items, mean, train } = facts;
  const { factors, rate, rateDecay, decay, biasDecay, implicitDecay, deviation } = settings;
  const { tensor, allocate, arena } = engine;
  const k = padded(factors);
  const initial = normalRows(deviation, factors, k);
  const P = tensor({ name: 'users', shape: [users, k], initial });
  const Q = tensor({ name: 'items', shape: [items, k], initial });
  const biases = biasDecay === null ? [] : [tensor({ name: 'userBiases', shape: [users] }), tensor({ name: 'itemBiases', shape: [items] })];
  const [userBias, itemBias] = biases as readonly (ModelTensor | undefined)[];
  const Y = implicitDecay === null ? undefined : tensor({ name: 'implicitItems', shape: [items, k] });
  const kernels = engine.kernels<FactorKernels>(factorReference);
  const { pointers } = engine.byUser();
  const model = createStruct(arena, Factors);
  write(model.view, Factors, {
    ...{ k, users: P.pointer, items: Q.pointer, userBias: userBias?.pointer ?? 0, itemBias: itemBias?.pointer ?? 0 },
    ...{ implicit: Y?.pointer ?? 0, ...pointers, work: allocate(2 * k) },
  });
  const hyper = hyperStruct(engine);
  write(hyper.view, Descent, { mean, decay, biasDecay: biasDecay ?? 0, implicitDecay: implicitDecay ?? 0 });
  const order = allocate(users);
  /** x of every user, where it is not p alone. */
  const sums = Y === undefined ? P.pointer : allocate(users * k);
  const scores = factorScores(
    {
      ...{ k, items, mean, itemRows: Q.pointer, itemBias: itemBias?.pointer ?? null, userBias: userBias?.values ?? null },
      userRow: (user) => sums + 4 * k * user,
    },
    engine,
  );
  return {
    tensors: [P, Q, ...biases, ...(Y === undefined ? [] : [Y])],
    epoch: (epoch) => {
      hyper.view[Descent.rate] = rate * rateDecay ** (epoch.number - 1);
      arena.u32(order, users).set(epoch.users());
      return kernels.descendFactors(model.pointer, users, order, hyper.pointer) / train.items.length;
    },
    ...scores,
    prepare: () => {
      if (Y !== undefined) kernels.implicitUsers(model.pointer, 0, users, sums);
      return scores.prepare();
    },
  };
};
