import type { Algorithm } from '../../algorithms/port/algorithm.js';
import type { Interactions, LocalModel, PrivateStateSpec } from '../../algorithms/port/client.js';
import { distinctRows } from '../../algorithms/port/rows.js';
import { distinct, random } from '../../base/random.js';
import { type DeviceId, deviceId } from '../../base/units.js';
import { type DeviceContext, stateOf } from '../../device/actor/actor.js';
import type { Column, PrivateColumns } from '../../device/actor/columns.js';
import { createPrivateState, keepState } from '../../device/actor/private-state.js';
import type { UserModel } from './recommender.js';

/** Rounds in which a new user's device adapts its private part. docs/recommend.md has the errors after other numbers. */
const ADAPT_ROUNDS = 5;

/** Trained users whose models are tried, and those whose predictions are averaged (docs/recommend.md has the errors of other numbers). */
const TRIED = 64;
const AVERAGED = 8;

const column = ({ items, values }: Interactions): Column => {
  const made: Column = {
    offsets: new Uint32Array(new SharedArrayBuffer(8)),
    items: new Uint32Array(new SharedArrayBuffer(4 * items.length)),
    values: new Float32Array(new SharedArrayBuffer(4 * items.length)),
  };
  made.offsets[1] = items.length;
  made.items.set(items);
  made.values.set(values);
  return made;
};

const NONE: Interactions = { items: new Uint32Array(0), values: new Float32Array(0) };

/** A shard of one device, behind those of the run, with these ratings to learn from. */
export const newUserColumns = (ratings: Interactions, devices: number, state: PrivateStateSpec | undefined): PrivateColumns => ({
  ...{ firstDevice: devices, devices: 1, train: column(ratings), valid: column(NONE), test: column(NONE) },
  ...(state === undefined
    ? {}
    : { state: createPrivateState(1, typeof state.size === 'number' ? state.size : [state.size(ratings.items.length)]) }),
});

type Adapting = {
  readonly algorithm: Algorithm;
  readonly context: DeviceContext;
  readonly model: LocalModel;
  readonly device: DeviceId;
  readonly seed: number;
};

/**
 * What the device of a new user does with the shared model: the client updates of some rounds. Only its private part is kept.
 * The shared part is the same in each round, so that Θ learns nothing from the user.
 */
export const adaptState = ({ algorithm, context, model, device, seed }: Adapting): void => {
  const client = algorithm.client();
  const { train, state: kept } = context.columns;
  const own = { train: { items: train.items, values: train.values } };
  if (kept === undefined) return;
  for (let round = 1; round <= ADAPT_ROUNDS; round++) {
    const before = stateOf(context, device, round);
    algorithm.entering?.(device);
    const plan = client.plan(own, { purpose: 'train', round, batch: own.train }, random(seed, 'plan', 'train', round, device), before);
    const { state: after } = client.update(model, own, plan.work, random(seed, 'update', round, device), before);
    if (after === undefined) return;
    keepState(kept, 0, round, before, after);
  }
};

export type Candidates = {
  readonly devices: number;
  readonly seed: number;
  generate(devices: readonly DeviceId[], rows: Uint32Array | null): Iterable<LocalModel>;
};

/** Σ (ŷ − r)² over the ratings. */
const squaredError = (predicted: Float32Array, { values }: Interactions): number => {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += (predicted[at]! - values[at]!) ** 2;
  return sum;
};

/**
 * For algorithms whose server holds something of each user, which a new user does not have. It takes the trained users whose models fit
 * the new user's ratings best. A prediction is the mean of theirs, each made on the new user's own ratings.
 */
export const nearestUsers = (
  { devices, seed, generate }: Candidates,
  ratings: Interactions,
  modelOf: (model: LocalModel) => UserModel,
): UserModel => {
  const tried = Array.from(distinct(TRIED, devices, random(seed, 'new user')).sort(), deviceId);
  const errors: { readonly device: DeviceId; readonly error: number }[] = [];
  let at = 0;
  for (const model of generate(tried, distinctRows(ratings.items)))
    errors.push({ device: tried[at++]!, error: squaredError(modelOf(model).predict(ratings.items), ratings) });
  const nearest = errors.sort((a, b) => a.error - b.error || a.device - b.device).slice(0, AVERAGED);
  const models = [
    ...generate(
      nearest.map(({ device }) => device).sort((a, b) => a - b),
      null,
    ),
  ].map(modelOf);
  const best = nearest
    .map(({ device }) => device)
    .sort((a, b) => a - b)
    .indexOf(nearest[0]!.device);
  return {
    predict: (items) => {
      const sums = new Float64Array(items.length);
      for (const { predict } of models) {
        const predicted = predict(items);
        for (let index = 0; index < sums.length; index++) sums[index]! += predicted[index]! / models.length;
      }
      return Float32Array.from(sums);
    },
    vectors: () => models[best]!.vectors(),
    tensors: () => null,
  };
};

/** Ratings without an error that are counted in for a new user's mean error. */
const SHIFT_DAMPING = 3;

/**
 * The same model, with all predictions shifted by its damped mean error on the user's own ratings. Models of trained users have learned the
 * level of their users, a new user's model has not.
 */
export const shifted = (model: UserModel, ratings: Interactions): UserModel => {
  const known = model.predict(ratings.items);
  const errors = ratings.values.reduce((sum, value, at) => sum + value - known[at]!, 0);
  const shift = errors / (ratings.values.length + SHIFT_DAMPING);
  return { ...model, predict: (items) => model.predict(items).map((value) => value + shift) };
};
