import { describe, expect, it } from 'vitest';
import type { LocalModel } from '../../../src/algorithms/port/client.js';
import { random } from '../../../src/base/random.js';
import { deviceId } from '../../../src/base/units.js';
import { type DeviceContext, operationsOf, scoreItems, stateOf, transition } from '../../../src/device/actor/actor.js';
import { ratingsOf } from '../../../src/device/actor/columns.js';
import { createMeasure } from '../../../src/device/actor/measure.js';
import { createPrivateState, keepState } from '../../../src/device/actor/private-state.js';
import type { Assign, Message, Model, Score, Update, Want } from '../../../src/messages/message.js';
import { decodeTensors, encodeTensor, shapeOf } from '../../../src/messages/wire-tensor.js';
import { type FakeOptions, fakeAlgorithm } from '../../support/coordinator/fake-algorithm.js';
import { allColumns, MEASURED, WORLD } from '../../support/device/small-world.js';

/** What an algorithm may do that the built-in ones do not: other tensors up than down, context, private state of any size. */
const ROUND = 3;
const DEVICE = deviceId(7);
const COLUMNS = allColumns();
const recordsOf = (device: number) => ratingsOf(COLUMNS, 'train', deviceId(device));

const contextOf = (options: Partial<FakeOptions> = {}, changes: Partial<DeviceContext> = {}): DeviceContext => ({
  algorithm: fakeAlgorithm(options),
  columns: COLUMNS,
  dtype: 'f32',
  measure: createMeasure(MEASURED),
  batch: { seed: 1, ratings: 'all', decoys: 6, items: WORLD.items },
  ...changes,
});

/** E[i] = (i, 0.5), b = 0.25: ŷ = i + 0.75. */
const MODEL: LocalModel = {
  rows: null,
  tensors: [Float32Array.from({ length: 2 * WORLD.items }, (_, at) => (at % 2 === 0 ? at / 2 : 0.5)), Float32Array.of(0.25)],
};
const modelFor = ({ algorithm }: DeviceContext, purpose: Model['purpose'], round = ROUND, device = DEVICE): Model => ({
  ...{ kind: 'model', round, device, purpose, rows: null },
  tensors: algorithm.wire.down.map((spec, index) => encodeTensor('f32', shapeOf(spec, WORLD.items), [MODEL.tensors[index]!])),
});
const assign = (purpose: Assign['purpose'], changes: Partial<Assign> = {}): Assign => {
  return { kind: 'assign', round: ROUND, device: DEVICE, purpose, ...changes };
};
const reply = <T extends Message>(context: DeviceContext, message: Message): T => transition(context, message).reply as T;

describe('an update whose tensors are not those of the model', () => {
  it('has the tensors that go up, its rows among decoys', () => {
    const context = contextOf();
    const { up } = context.algorithm.wire;
    expect(up).not.toEqual(context.algorithm.wire.down);
    const update = reply<Update>(context, modelFor(context, 'train'));
    const { items, values } = recordsOf(DEVICE);
    expect(update.rows).toEqual(reply<Want>(context, assign('train')).rows);
    expect(update.rows).toHaveLength(items.length + 6);
    const [errors, sums] = decodeTensors(update.tensors, 'f32', up, update.rows.length, 'test');
    const errorOf = (item: number) => (items.includes(item) ? values[items.indexOf(item)]! - (item + 0.75) : 0);
    expect([...errors!]).toEqual([...update.rows].map(errorOf));
    const all = [...items].map(errorOf);
    expect(sums![0]).toBeCloseTo(
      all.reduce((sum, error) => sum + error),
      4,
    );
    expect(update).toMatchObject({ count: items.length, loss: sums![1] });
  });

  it('takes no operations where the algorithm counts none', () => {
    expect(operationsOf(contextOf(), modelFor(contextOf(), 'train'))).toBe(0);
  });
});

describe('what a device says of itself', () => {
  it.each(['train', 'evaluate'] as const)('goes with the rows it wants, in either delivery: %s', (purpose) => {
    const context = contextOf({ context: true });
    const plain = reply<Want>(contextOf(), assign(purpose));
    expect(plain).not.toHaveProperty('tensors');
    for (const full of [false, true]) {
      const { tensors, ...want } = reply<Want>(context, assign(purpose, full ? { full } : {}));
      expect(want).toEqual({ ...plain, rows: full ? null : plain.rows });
      expect(decodeTensors(tensors!, 'f32', context.algorithm.wire.context!, 0, 'test')).toEqual([
        Float32Array.of(recordsOf(DEVICE).items.length),
      ]);
    }
  });

  it('travels in the run’s dtype', () => {
    const context = contextOf({ context: true }, { dtype: 'f16' });
    const { tensors } = reply<Want>(context, assign('train'));
    expect(tensors!.map(({ dtype, shape }) => [dtype, shape])).toEqual([['f16', [1]]]);
    expect(decodeTensors(tensors!, 'f16', context.algorithm.wire.context!, 0, 'test')[0]![0]).toBe(recordsOf(DEVICE).items.length);
  });
});

describe('an algorithm that needs every item’s row', () => {
  const needy = ({ algorithm, ...rest }: DeviceContext): DeviceContext => {
    const { plan, ...half } = algorithm.client();
    const client = { ...half, plan: (...given: Parameters<typeof plan>) => ({ ...plan(...given), rows: null }) };
    return { ...rest, algorithm: { ...algorithm, client: () => client } };
  };

  it('wants no list of rows, and takes no model of some', () => {
    const context = needy(contextOf());
    for (const purpose of ['train', 'evaluate'] as const) {
      expect(reply<Want>(context, assign(purpose)).rows).toBeNull();
      const some = { ...modelFor(context, purpose), rows: Uint32Array.of(1, 2) };
      expect(() => transition(context, some)).toThrow('model for device 7: expected a row for every item, found 2');
    }
    expect(reply(context, modelFor(context, 'train')).kind).toBe('update');
    expect(reply(context, modelFor(context, 'evaluate')).kind).toBe('score');
  });
});

describe('a private state with a number for each record', () => {
  const withState = () => {
    const sizes = Array.from({ length: WORLD.devices }, (_, device) => recordsOf(device).items.length);
    return contextOf({ memory: true }, { columns: { ...COLUMNS, state: createPrivateState(WORLD.devices, sizes) } });
  };
  const initial = (device: number): Float32Array => {
    const source = random(1, 'state', device);
    return Float32Array.from({ length: recordsOf(device).items.length }, () => source.uniform());
  };
  const later = (values: Float32Array, by: number) => values.map((value) => value + by);

  it('is what each device starts a round with, and leaves with the change of its update', () => {
    const context = withState();
    for (const device of [2, 7, 9].map(deviceId)) {
      const { state } = transition(context, modelFor(context, 'train', ROUND, device));
      expect(state).toEqual({ before: initial(device), after: later(initial(device), 1) });
      keepState(context.columns.state!, device, ROUND, state!.before, state!.after);
    }
    for (const device of [2, 7, 9].map(deviceId)) {
      expect(stateOf(context, device, ROUND)).toEqual(initial(device));
      expect(stateOf(context, device, ROUND + 1)).toEqual(later(initial(device), 1));
    }
    expect(stateOf(context, deviceId(8), ROUND + 1)).toEqual(initial(8));
    // A round that is run again starts from the same state.
    const again = transition(context, modelFor(context, 'train')).state!;
    expect([again.before, again.after]).toEqual([initial(DEVICE), later(initial(DEVICE), 1)]);
  });

  it('is what it is measured with after its round, on both parts, and when it is asked for scores', () => {
    const context = withState();
    const start = initial(DEVICE);
    keepState(context.columns.state!, DEVICE, ROUND, start, later(start, 1));
    const scored = (round: number) => scoreItems(context, MODEL, { device: DEVICE, round }, Uint32Array.of(4, 4, 0));
    const expected = (first: number) => Float32Array.of(4.75 + first, 4.75 + first, 0.75 + first);
    expect(scored(ROUND)).toEqual(expected(later(start, 1)[0]!));
    expect(scored(ROUND - 1)).toEqual(expected(start[0]!));
    const { valid, test } = reply<Score>(context, modelFor(context, 'evaluate'));
    for (const [part, sums] of [
      ['valid', valid],
      ['test', test],
    ] as const) {
      const { items, values } = ratingsOf(COLUMNS, part, DEVICE);
      const errors = [...items].map((item, at) => Math.fround(item + 0.75 + later(start, 1)[0]!) - values[at]!);
      expect(sums.count).toBe(2);
      expect(sums.sums[3]).toBeCloseTo(errors[0]! ** 2 + errors[1]! ** 2, 2);
    }
  });
});
