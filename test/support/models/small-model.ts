import type { Tensor } from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { random } from '../../../src/base/random.js';
import type { Ratings } from '../../../src/data/dataset.js';
import type { Facts, Model, ModelDefinition } from '../../../src/models/port/definition.js';
import { createEngine } from '../../../src/models/port/engine.js';
import { createEpochs, type Epoch } from '../../../src/models/port/epoch.js';
import type { ModelTensor } from '../../../src/models/port/tensors.js';
import type { Implementation } from '../../../src/tensor/kernels/probe.js';
import { loadTensorflow, type Tensorflow } from '../../../src/tensor/tfjs.js';
import { expectClose } from '../tensors/closeness.js';

export const USERS = 7;
export const ITEMS = 9;
const SEED = 5;

/** Ratings of 7 users and 9 items: user 3 has none, and nobody rates item 4. */
export const smallRatings = (): Ratings => {
  const source = random(11);
  const rows = Array.from({ length: USERS }, (_, user) =>
    Array.from({ length: ITEMS }, (_, item) => item).filter((item) => user !== 3 && item !== 4 && source.uniform() < 0.5),
  );
  const count = rows.reduce((sum, row) => sum + row.length, 0);
  const train = {
    offsets: new Uint32Array(new SharedArrayBuffer(4 * (USERS + 1))),
    items: new Uint32Array(new SharedArrayBuffer(4 * count)),
    values: new Float32Array(new SharedArrayBuffer(4 * count)),
  };
  rows.forEach((row, user) => {
    train.items.set(row, train.offsets[user]);
    train.offsets[user + 1] = train.offsets[user]! + row.length;
  });
  for (let at = 0; at < count; at++) train.values[at] = 1 + source.integer(5);
  return train;
};

/** (users, items) of numbers, row by row: the rating, or `empty`. */
export const denseRatings = ({ offsets, items, values }: Ratings, empty = 0): number[][] =>
  Array.from({ length: USERS }, (_, user) => {
    const row = new Array<number>(ITEMS).fill(empty);
    for (let at = offsets[user]!; at < offsets[user + 1]!; at++) row[items[at]!] = values[at]!;
    return row;
  });

export type SmallModel = {
  readonly model: Model;
  readonly tensors: Readonly<Record<string, ModelTensor>>;
  readonly epoch: (number: number) => Epoch;
  /** Trains epochs 1 … count, and returns the loss of the last one. */
  train(count: number): Promise<number>;
};

export const createSmall = async <Options>(
  definition: ModelDefinition<Options>,
  options: Partial<Options>,
  implementation: Implementation = 'simd',
  features: Pick<Facts, 'userFeatures' | 'itemFeatures'> = {},
): Promise<SmallModel> => {
  const train = smallRatings();
  const engine = createEngine({ seed: SEED, threads: 1, epochs: 10, items: ITEMS, train, implementation });
  const facts = { users: USERS, items: ITEMS, lowest: 1, highest: 5, mean: 3, train, ...features };
  const model = await definition.create(facts, definition.options.parse(options), engine);
  const epochs = createEpochs(SEED, train);
  return {
    model,
    tensors: Object.fromEntries(model.tensors.map((tensor) => [tensor.name, tensor])),
    epoch: epochs,
    train: async (count) => {
      let loss = Number.NaN;
      for (let number = 1; number <= count; number++) loss = await model.epoch!(epochs(number));
      return loss;
    },
  };
};

/** Adam's first moment after one step from zero is a tenth of the gradient. */
const gradientOf = ({ state }: ModelTensor): Float32Array => state[0]!.values.map((moment) => moment / (1 - 0.9));

type Weights = Readonly<Record<string, Tensor>>;
/** The whole objective of one step in tfjs, on the weights before it, by name. */
export type Objective = (tf: Tensorflow, weights: Weights, small: SmallModel) => Tensor;

/** Of central differences. */
const STEP = 0.003;

/**
 * The gradient of the first step, which must have all rows in one batch, equals that of tfjs. It equals central differences of the loss that
 * the model reports, times `scale`, if there is no L2. `enlarged`: tensors that start
 * 50 times as large, where the kinks of ReLUs would be near.
 */
export const expectGradients = async <Options>(
  definition: ModelDefinition<Options>,
  options: Partial<Options>,
  objective: Objective,
  scale: number,
  enlarged: readonly string[] = [],
  features: Pick<Facts, 'userFeatures' | 'itemFeatures'> = {},
): Promise<void> => {
  const { tf } = await loadTensorflow('wasm');
  const small = await createSmall(definition, options, 'simd', features);
  for (const name of enlarged) small.tensors[name]!.values.forEach((value, at, values) => (values[at] = 50 * value));
  const names = small.model.tensors.map(({ name }) => name);
  const before = small.model.tensors.map(({ values }) => values.slice());
  const expected = tf.tidy(() => {
    const weights = small.model.tensors.map(({ values, shape }) => tf.tensor(values.slice(), [...shape]));
    const loss = (...list: Tensor[]): Tensor => objective(tf, Object.fromEntries(list.map((tensor, at) => [names[at]!, tensor])), small);
    return tf
      .grads(loss)(weights)
      .map((gradient) => gradient.dataSync().slice());
  });
  await small.train(1);
  const found = small.model.tensors.map(gradientOf);
  found.forEach((gradient, at) => expectClose(gradient, expected[at]!, 1e-4, `${names[at]}, against tfjs`));

  const other = await createSmall(definition, options, 'simd', features);
  const lossWith = async (tensor: number, element: number, step: number): Promise<number> => {
    other.model.tensors.forEach(({ values, state }, at) => {
      values.set(before[at]!);
      for (const kept of state) kept.values.fill(0);
    });
    other.model.tensors[tensor]!.values[element]! += step;
    return scale * (await other.train(1));
  };
  for (const [tensor, gradient] of found.entries()) {
    const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (let element = 0; element < gradient.length; element += Math.ceil(gradient.length / 7)) {
      const slope = ((await lossWith(tensor, element, STEP)) - (await lossWith(tensor, element, -STEP))) / (2 * STEP);
      expect(Math.abs(slope - gradient[element]!), `${names[tensor]}, element ${element}`).toBeLessThan(0.01 * largest + 1e-4);
    }
  }
};

/** Bits of all tensors and their state. */
const bitsOf = ({ model }: SmallModel): Uint32Array[] =>
  model.tensors.flatMap(({ values, state }) =>
    [values, ...state.map((kept) => kept.values)].map((all) => new Uint32Array(all.slice().buffer)),
  );

/** Trains four epochs at once, and two and two with all tensors carried over to a new model: a run that is resumed. Bits must be equal. */
export const expectSameAfterResume = async <Options>(definition: ModelDefinition<Options>, options: Partial<Options>): Promise<void> => {
  const whole = await createSmall(definition, options);
  await whole.train(4);
  const [first, second] = [await createSmall(definition, options), await createSmall(definition, options)];
  await first.train(2);
  const copy = (from: readonly ModelTensor[], to: readonly ModelTensor[]): void =>
    from.forEach(({ values, state }, at) => {
      to[at]!.values.set(values);
      copy(state, to[at]!.state);
    });
  copy(first.model.tensors, second.model.tensors);
  for (const number of [3, 4]) await second.model.epoch!(second.epoch(number));
  expect(bitsOf(second)).toEqual(bitsOf(whole));
};

/** Three epochs with SIMD kernels stay close to three with their reference. */
export const expectSameAsReference = async <Options>(definition: ModelDefinition<Options>, options: Partial<Options>): Promise<void> => {
  const [simd, reference] = [await createSmall(definition, options, 'simd'), await createSmall(definition, options, 'reference')];
  expect((await simd.train(3)) / (await reference.train(3))).toBeCloseTo(1, 4);
  simd.model.tensors.forEach(({ name, values }, at) => expectClose(values, reference.model.tensors[at]!.values, 1e-3, name));
};

export const scoresOf = async ({ model }: SmallModel, user: number, items: readonly number[]): Promise<Float32Array> => {
  const out = new Float32Array(items.length);
  await model.prepare?.();
  model.scores(user, Uint32Array.from(items), out);
  return out;
};
