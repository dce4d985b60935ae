import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClientHalf, LocalModel } from '../../../src/algorithms/port/client.js';
import { random } from '../../../src/base/random.js';
import { deviceId } from '../../../src/base/units.js';
import { type DeviceContext, transition } from '../../../src/device/actor/actor.js';
import { type PrivateColumns, ratingsOf } from '../../../src/device/actor/columns.js';
import type { Message, Purpose, Score, Update, Want } from '../../../src/messages/message.js';
import { elements } from '../../../src/messages/wire-tensor.js';
import { applySteps, loadUpdateSteps } from '../../../src/updates/device-steps.js';
import { learn, scoresOf } from '../../support/algorithms/client-half.js';
import { algorithm, contextOf, DEVICE, gradientsOf, modelOf, numbers, ROUND, reply, wanted } from '../../support/device/one-device.js';
import { algorithmOf, allColumns, columnsOf, partScore, WORLD } from '../../support/device/small-world.js';
import { examples, orMessageError } from '../../support/messages/arbitrary-messages.js';

const { items } = WORLD;
const trainItems = (context: DeviceContext) => ratingsOf(context.columns, 'train', DEVICE).items;

describe('a device that is assigned', () => {
  it('wants the rows of its batch, and decoys', () => {
    const context = contextOf({ ratings: 2, decoys: 6 });
    const answer = reply<Want>(context, { kind: 'assign', round: ROUND, device: DEVICE, purpose: 'train' });
    expect(answer).toMatchObject({ kind: 'want', round: ROUND, device: DEVICE, purpose: 'train' });
    expect(answer.rows).toHaveLength(8);
    expect(trainItems(context).filter((item) => answer.rows!.includes(item)).length).toBeGreaterThanOrEqual(2);
  });

  it('wants the rows of its held-out ratings for a measurement', () => {
    const context = contextOf({ decoys: 3 });
    const heldOut = (['valid', 'test'] as const).flatMap((part) => [...ratingsOf(context.columns, part, DEVICE).items]);
    const rows = wanted(context, 'evaluate');
    expect(rows).toHaveLength(new Set(heldOut).size + 3);
    for (const item of heldOut) expect(rows).toContain(item);
  });

  it('holds no model for that', () => {
    expect(transition(contextOf(), { kind: 'assign', round: ROUND, device: DEVICE, purpose: 'train' })).not.toHaveProperty('model');
  });
});

describe('a device that is sent a model to train', () => {
  it('answers with the gradient of its client half, and holds the model', () => {
    const context = contextOf({ decoys: 0 });
    const all = numbers();
    const { model, reply: answer } = transition(context, modelOf(context, 'train', null, all));
    const train = ratingsOf(context.columns, 'train', DEVICE);
    const source = random(1, 'update', ROUND, DEVICE);
    const local = learn(algorithm, { rows: null, tensors: all }, { train }, train, source, new Float32Array(0));
    expect(answer).toMatchObject({
      kind: 'update',
      round: ROUND,
      device: DEVICE,
      count: train.items.length,
      loss: local.loss,
      rows: local.rows,
    });
    expect(gradientsOf(context, answer as Update)).toEqual(local.tensors);
    expect(model).toEqual({ rows: null, tensors: all });
  });

  it('hides rated rows among the rows that it asked for; decoys have zero gradients', () => {
    for (const ratings of [1, 2, 'all'] as const) {
      const context = contextOf({ ratings, decoys: 9 });
      const bare = contextOf({ ratings, decoys: 0 });
      const update = reply<Update>(context, modelOf(context, 'train', null));
      const plain = reply<Update>(bare, modelOf(bare, 'train', null));
      expect(update.rows).toEqual(wanted(context, 'train'));
      expect(update.rows).toHaveLength(plain.rows.length + 9);
      const [gradients, expected] = [gradientsOf(context, update), gradientsOf(bare, plain)];
      algorithm.wire.down.forEach((spec, index) => {
        if (!spec.perRow) return expect(gradients[index]).toEqual(expected[index]);
        const width = elements(spec.shape);
        update.rows.forEach((row, at) => {
          const from = plain.rows.indexOf(row) * width;
          const found = [...gradients[index]!.subarray(at * width, (at + 1) * width)];
          expect(found, `row ${row}`).toEqual(from < 0 ? Array(width).fill(0) : [...expected[index]!.subarray(from, from + width)]);
        });
      });
    }
  });

  it('takes its update steps in order, on decoy rows, too, keyed by seed, round and device', async () => {
    const bound = { up: algorithm.wire.up, items };
    const load = (...names: readonly string[]) =>
      loadUpdateSteps(
        names.map((name) => ({ name, options: name === 'clip' ? { bound: 1e-3, norm: 'l2' } : { sigma: 1, bound: 1 } })),
        bound,
      );
    const plain = contextOf({ decoys: 9 });
    const message = modelOf(plain, 'train', null);
    const sent = async (...names: readonly string[]) => {
      const context = contextOf({ decoys: 9, steps: await load(...names) });
      const update = reply<Update>(context, message);
      return { update, numbers: gradientsOf(context, update) };
    };
    const before = reply<Update>(plain, message);
    const key = { seed: 1, round: ROUND, device: DEVICE };
    const honest = { count: before.count, rows: before.rows, tensors: gradientsOf(plain, before) };
    const noisy = await sent('noise');
    expect(noisy.numbers).toEqual(applySteps(await load('noise'), honest, key).update.tensors);
    expect(noisy.numbers[0]!.every((value) => value !== 0)).toBe(true);
    // The count and the loss have no noise, so that they stay on the device.
    expect(noisy.update).toMatchObject({ count: 1, loss: 0, rows: before.rows });
    expect((await sent('clip')).update).toMatchObject({ count: before.count, loss: before.loss });
    expect(Math.hypot(...(await sent('noise', 'clip')).numbers.flatMap((values) => [...values]))).toBeCloseTo(1e-3, 6);
  });

  it('uploads the same bits for all rows and for the rows that it asked for', () => {
    for (const decoys of [0, 5, items]) {
      const context = contextOf({ ratings: 2, decoys });
      const full = reply<Update>(context, modelOf(context, 'train', null));
      const subset = reply<Update>(context, modelOf(context, 'train', wanted(context, 'train')));
      expect(subset).toEqual(full);
    }
  });

  it('uploads the same, again and on any host', () => {
    const context = contextOf({ ratings: 2 });
    const { train, valid, test } = allColumns();
    const one = (column: PrivateColumns['train'], device: number) => {
      const [from, to] = [column.offsets[device]!, column.offsets[device + 1]!];
      return Array.from(column.items.subarray(from, to), (item, i): [number, number] => [item, column.values[from + i]!]);
    };
    const alone = columnsOf(DEVICE, [one(train, DEVICE)], [one(valid, DEVICE)], [one(test, DEVICE)]);
    const elsewhere = { ...context, columns: alone };
    for (const purpose of ['train', 'evaluate'] as const) {
      const message = modelOf(context, purpose, null);
      expect(reply(context, message)).toEqual(reply(context, message));
      expect(reply(elsewhere, message)).toEqual(reply(context, message));
      expect(wanted(elsewhere, purpose)).toEqual(wanted(context, purpose));
    }
  });

  it('answers within the stated error when numbers travel as f16', () => {
    const exact = contextOf();
    const context = contextOf({ dtype: 'f16' });
    const found = gradientsOf(context, reply<Update>(context, modelOf(context, 'train', null)));
    const expected = gradientsOf(exact, reply<Update>(exact, modelOf(exact, 'train', null)));
    const norm = (values: Float32Array) => Math.hypot(...values);
    found.forEach((values, i) => {
      expect(norm(values.map((value, at) => value - expected[i]![at]!))).toBeLessThan(0.02 * norm(expected[i]!) + 1e-3);
    });
  });

  it('without ratings refuses, and says why', () => {
    const context = contextOf({ columns: columnsOf(DEVICE, [[]]), decoys: 4 });
    expect(reply(context, modelOf(context, 'train', null))).toEqual({
      kind: 'refuse',
      round: ROUND,
      device: DEVICE,
      reason: 'no ratings',
    });
  });
});

describe('a device that is sent a model to measure', () => {
  /** Predicts the sum of an item's two numbers and the dense offset, which is easy to compute by hand. */
  const client: ClientHalf<Uint32Array> = {
    plan: (_own, task) => {
      if (task.purpose === 'train') return expect.fail('a measurement must not plan a training');
      return { rows: task.candidates, work: task.candidates };
    },
    update: () => expect.fail('a measurement must not train'),
    operations: () => expect.fail('a measurement must not count the operations of training'),
    score: ({ rows, tensors: [row, offset] }: LocalModel, _own, asked) =>
      Float32Array.from(asked, (item) => {
        const at = rows === null ? item : rows.indexOf(item);
        return row![2 * at]! + row![2 * at + 1]! + offset![0]!;
      }),
  };
  const tensors = [
    { name: 'row', perRow: true, shape: [2] },
    { name: 'offset', perRow: false, shape: [1] },
  ];
  const additive = { wire: { down: tensors, up: tensors }, client: () => client };
  const columns = columnsOf(
    DEVICE,
    [[[0, 5]]],
    [
      [
        [1, 3],
        [2, 4.5],
      ],
    ],
    [[[4, 1]]],
  );
  const all = [Float32Array.from({ length: 2 * items }, (_, i) => i / 8), Float32Array.of(0.5)];
  // Item i: (2i + 2i + 1)/8 + 0.5, that is 1.125, 1.625 and 2.625 for items 1, 2 and 4.
  const expected: Omit<Score, 'round' | 'device'> = {
    kind: 'score',
    valid: partScore(2, 1.875 + 2.875, 1.875 ** 2 + 2.875 ** 2),
    test: partScore(1, 1.625, 1.625 ** 2),
  };

  it('answers with the sums of its errors, as computed by hand, in either delivery', () => {
    const context = contextOf({ algorithm: additive, columns });
    for (const rows of [null, Uint32Array.of(1, 2, 3, 4), wanted(context, 'evaluate')])
      expect(reply(context, modelOf(context, 'evaluate', rows, all))).toEqual({ ...expected, round: ROUND, device: DEVICE });
  });

  it('answers for MetaMF with the errors of its client half', () => {
    const context = contextOf();
    const values = numbers();
    const score = reply<Score>(context, modelOf(context, 'evaluate', null, values));
    for (const part of ['valid', 'test'] as const) {
      const held = ratingsOf(context.columns, part, DEVICE);
      const own = { train: ratingsOf(context.columns, 'train', DEVICE) };
      const predictions = scoresOf(algorithm, { rows: null, tensors: values }, own, held.items, new Float32Array(0));
      const errors = predictions.map((prediction, i) => prediction - held.values[i]!);
      expect(score[part].count).toBe(held.items.length);
      expect(score[part].sums[1]).toBeCloseTo(
        errors.reduce((sum, error) => sum + Math.abs(error), 0),
        5,
      );
      expect(score[part].sums[3]).toBeCloseTo(
        errors.reduce((sum, error) => sum + error * error, 0),
        5,
      );
    }
  });

  it('answers zeros if it has no held-out ratings', () => {
    const context = contextOf({ algorithm: additive, columns: columnsOf(DEVICE, [[[0, 5]]]) });
    const nothing = partScore(0, 0, 0);
    expect(reply(context, modelOf(context, 'evaluate', null, all))).toMatchObject({ valid: nothing, test: nothing });
  });
});

describe('a device that is sent something else', () => {
  const context = contextOf();
  const said = (message: Message) => orMessageError(() => transition(context, message));
  const good = modelOf(context, 'train', null);
  const [first, ...others] = good.tensors;

  it('refuses messages that only devices send', () => {
    for (const message of examples(DEVICE).filter(({ kind }) => kind !== 'assign' && kind !== 'model'))
      expect(said(message)).toBe(`device 7: expected assign or model, found ${message.kind}`);
  });

  it('refuses messages for a device that is not here', () => {
    expect(said({ ...good, device: deviceId(99) })).toMatch(/expected a device from 0 to 11, found device 99/);
    expect(said({ kind: 'assign', round: 1, device: deviceId(99), purpose: 'train' })).toMatch(/found device 99/);
  });

  it('refuses a model of another form', () => {
    expect(said({ ...good, tensors: others })).toMatch(/^model for device 7: expected \d+ tensors, found \d+$/);
    expect(said({ ...good, tensors: [...good.tensors, first!] })).toMatch(/^model for device 7: expected \d+ tensors, found \d+$/);
    expect(said({ ...good, tensors: [{ ...first!, dtype: 'f16' }, ...others] })).toMatch(
      /^model for device 7, tensor items_low: expected dtype f32, found f16$/,
    );
    expect(said({ ...good, rows: Uint32Array.of(items) })).toBe(`model for device 7: expected items below ${items}, found ${items}`);
    expect(said({ ...good, rows: Uint32Array.from({ length: items - 1 }, (_, i) => i) })).toMatch(/^model for device 7/);
    expect(said({ ...modelOf(context, 'train', Uint32Array.of(1, 2)), rows: null })).toMatch(
      /tensor items_low: expected shape \[40, 3\], found \[2, 3\]/,
    );
  });

  it('refuses a model without a row that it needs, and does not say which', () => {
    for (const purpose of ['train', 'evaluate'] as const) {
      const needed = wanted(contextOf({ decoys: 0 }), purpose);
      for (const missing of needed) {
        const rows = Uint32Array.from({ length: items }, (_, i) => i).filter((row) => row !== missing);
        expect(said(modelOf(context, purpose, rows))).toBe('model for device 7: expected all rows it asked for, found fewer of them');
      }
      expect(said(modelOf(context, purpose, new Uint32Array(0)))).toMatch(/expected all rows it asked for/);
    }
  });
});

it('a device is pure: it changes neither the message nor its columns', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Purpose>('train', 'evaluate'),
      fc.constantFrom(1, 3, 'all' as const),
      fc.nat(6),
      (purpose, ratings, decoys) => {
        const context = contextOf({ ratings, decoys });
        const message = modelOf(context, purpose, null);
        const [columnsBefore, messageBefore] = [structuredClone(context.columns), structuredClone(message)];
        transition(context, message);
        expect(message).toEqual(messageBefore);
        expect([...context.columns.train.values]).toEqual([...columnsBefore.train.values]);
      },
    ),
    { numRuns: 20 },
  );
});

it('the three variants of MetaMF answer alike', () => {
  for (const variant of ['full', 'si', 'sm'] as const) {
    const context = contextOf({ algorithm: algorithmOf({ variant }) });
    expect(reply<Update>(context, modelOf(context, 'train', null)).rows).toEqual(wanted(context, 'train'));
  }
});
