import { expect, it } from 'vitest';
import { random } from '../../../src/base/random.js';
import { deviceId } from '../../../src/base/units.js';
import { type DeviceContext, transition } from '../../../src/device/actor/actor.js';
import { createMeasure } from '../../../src/device/actor/measure.js';
import { createPrivateState, keepState } from '../../../src/device/actor/private-state.js';
import type { Model, PartScore } from '../../../src/messages/message.js';
import { encodeTensor, shapeOf } from '../../../src/messages/wire-tensor.js';
import { columnsOf, MEASURED } from '../../support/device/small-world.js';
import { fedavg, meanSquaredError, OPTIONS, randomLocal, WORLD } from '../../support/fedavg/model.js';

const DEVICE = deviceId(3);
const ROUND = 7;
const algorithm = fedavg();
const { model, numbers } = randomLocal(OPTIONS, 6, 1);
const TRAIN = [
  [2, 3],
  [5, 4.5],
] as const;
const VALID = [
  [1, 2],
  [8, 5],
] as const;

const contextOf = (): DeviceContext => ({
  algorithm,
  columns: { ...columnsOf(2, [[], TRAIN, []], [[], VALID, []]), state: createPrivateState(3, OPTIONS.itemEmbedding) },
  dtype: 'f32',
  batch: { seed: 1, ratings: 'all', decoys: 0, items: WORLD.items },
  measure: createMeasure({ ...MEASURED, items: WORLD.items, metrics: ['mse'] }),
});

const messageOf = (purpose: Model['purpose'], round: number): Model => ({
  kind: 'model',
  round,
  device: DEVICE,
  purpose,
  rows: null,
  tensors: algorithm.wire.down.map((spec, index) => encodeTensor('f32', shapeOf(spec, WORLD.items), [model.tensors[index]!])),
});

const measured = (context: DeviceContext, round: number): PartScore => {
  const { reply } = transition(context, messageOf('evaluate', round));
  if (reply.kind !== 'score') throw new Error(reply.kind);
  return reply.valid;
};

const expected = (user: Float32Array): number => {
  const [items, values] = [Uint32Array.from(VALID, ([item]) => item), Float32Array.from(VALID, ([, value]) => value)];
  return VALID.length * meanSquaredError(OPTIONS, { ...numbers, user: [...user] }, { items, values });
};

it('a FedAvg device learns in a round from the state it had before, and is measured after it with the state it came to', () => {
  const context = contextOf();
  const initial = algorithm.client().state!.initial(random(1, 'state', DEVICE), OPTIONS.itemEmbedding);
  expect(measured(context, ROUND).sums[1]! / expected(initial)).toBeCloseTo(1, 5);

  const { state, reply } = transition(context, messageOf('train', ROUND));
  expect(reply.kind).toBe('update');
  expect(state!.before).toEqual(initial);
  expect(state!.after).not.toEqual(initial);
  keepState(context.columns.state!, 1, ROUND, state!.before, state!.after);

  expect(Math.abs(expected(state!.after) / expected(initial) - 1)).toBeGreaterThan(1e-3);
  for (const round of [ROUND, ROUND + 1]) expect(measured(context, round).sums[1]! / expected(state!.after)).toBeCloseTo(1, 5);
  expect(measured(context, ROUND - 1).sums[1]! / expected(initial)).toBeCloseTo(1, 5);

  // The same round once more, after an interruption, and a later one.
  expect(transition(context, messageOf('train', ROUND))).toEqual({ model: expect.anything(), reply, state });
  expect(transition(context, messageOf('train', ROUND + 1)).state!.before).toEqual(state!.after);
});
