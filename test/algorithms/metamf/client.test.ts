import { describe, expect, it } from 'vitest';
import type { MetaMFOptions } from '../../../src/algorithms/metamf/options.js';
import type { Interactions, LocalModel, Rows } from '../../../src/algorithms/port/client.js';
import { random } from '../../../src/base/random.js';
import { elements, shapeOf } from '../../../src/messages/wire-tensor.js';
import type { Tensorflow } from '../../../src/tensor/tfjs.js';
import { learn, operationsOf, scoresOf } from '../../support/algorithms/client-half.js';
import { ADDITIONS, EVEN, metamf, NARROW, NO_STATE, ODD, randomRatings, WORLD } from '../../support/metamf/fleet.js';
import { centreOf, differentiate, type Named, predictRatings, squaredErrors, valuesOf } from '../../support/metamf/reference-model.js';
import type { Theta } from '../../support/metamf/theta.js';
import { expectClose, expectCloseTensors } from '../../support/tensors/closeness.js';
import { BACKENDS, backendOrSkip } from '../../support/tensors/tensorflow-backend.js';

/** Relative to the largest element. tfjs sums at most 12 numbers a dot product, in float32. All errors seen are below 1e-6. */
const TOLERANCE = 1e-5;

const SIZES = [
  ['odd', ODD],
  ['even', EVEN],
  ['one dimension', NARROW],
  ['centred, with item offsets', { ...ODD, ...ADDITIONS }],
] as const;

type Local = { readonly model: LocalModel; readonly train: Interactions; readonly batch: Interactions };

/** A device with random Φ_u. The batch is a part of its ratings. `rows` null: all items; else the batch's among others. */
const randomDevice = (options: MetaMFOptions, kind: 'all' | 'subset', seed: number): Local => {
  const source = random(seed, 'device');
  const train = randomRatings(WORLD, 13, source);
  const batch = { items: train.items.slice(2, 9), values: train.values.slice(2, 9) };
  const decoys = Array.from({ length: 6 }, () => source.integer(WORLD.items));
  const rows: Rows = kind === 'all' ? null : Uint32Array.from(new Set([...batch.items, ...decoys])).sort();
  const tensors = metamf(WORLD, options).wire.down.map((spec) =>
    Float32Array.from({ length: elements(shapeOf(spec, rows?.length ?? WORLD.items)) }, () => source.normal()),
  );
  return { model: { rows, tensors }, train, batch };
};

/** Where the rows of `items` lie in the model. */
const positions = ({ rows }: LocalModel, items: Uint32Array): Uint32Array =>
  rows === null ? items : Uint32Array.from(items, (item) => rows.indexOf(item));

const phiOf = (tf: Tensorflow, options: MetaMFOptions, { rows, tensors }: LocalModel): Named =>
  Object.fromEntries(
    metamf(WORLD, options).wire.down.map((spec, i) => [spec.name, tf.tensor(tensors[i]!, [...shapeOf(spec, rows?.length ?? WORLD.items)])]),
  );

/** An update's tensors by name, its rows where they lie in the model: zero where the batch has none. */
const spread = (options: MetaMFOptions, { rows }: LocalModel, update: { rows: Uint32Array; tensors: readonly Float32Array[] }): Theta => {
  const at = positions({ rows, tensors: [] }, update.rows);
  return Object.fromEntries(
    metamf(WORLD, options).wire.down.map((spec, i) => {
      const values = update.tensors[i]!;
      if (!spec.perRow) return [spec.name, values];
      const width = elements(spec.shape);
      const all = new Float32Array((rows?.length ?? WORLD.items) * width);
      at.forEach((row, from) => all.set(values.subarray(from * width, (from + 1) * width), row * width));
      return [spec.name, all];
    }),
  );
};

const update = (options: MetaMFOptions, { model, train, batch }: Local) =>
  learn(metamf(WORLD, options), model, { train }, batch, random(1), NO_STATE);

const CASES = SIZES.flatMap(([sizes, options]) => (['all', 'subset'] as const).map((kind) => ({ sizes, kind, options })));

describe.each(BACKENDS)('the client half of MetaMF and tfjs on %s', (backend) => {
  for (const { sizes, kind, options } of CASES) {
    it(`agree on predictions, loss and gradients: ${sizes}, ${kind} rows`, async (ctx) => {
      const tf = await backendOrSkip(ctx, backend);
      for (const seed of [1, 2, 3]) {
        const local = randomDevice(options, kind, seed);
        const { model, train, batch } = local;
        const rows = positions(model, batch.items);
        const centre = centreOf(WORLD, options, train);
        const expected = tf.tidy(() => {
          const phi = phiOf(tf, options, model);
          const { value, gradients } = differentiate(tf, (named) => squaredErrors(tf, options, named, rows, batch.values, centre), phi);
          return {
            loss: value.dataSync()[0]!,
            gradients: valuesOf(gradients),
            predictions: predictRatings(tf, options, phi, rows, centre).dataSync(),
          };
        });

        const found = update(options, local);

        expect(found.count).toBe(batch.items.length);
        expectClose([found.loss], [expected.loss], TOLERANCE, 'loss');
        expectCloseTensors(spread(options, model, found), expected.gradients, TOLERANCE, 'gradient of');
        expectClose(
          scoresOf(metamf(WORLD, options), model, { train }, batch.items, NO_STATE),
          expected.predictions,
          TOLERANCE,
          'prediction',
        );
      }
    });
  }
});

describe('the client half of MetaMF', () => {
  for (const { sizes, kind, options } of CASES) {
    it(`returns the slope of its own loss, by central differences: ${sizes}, ${kind} rows`, () => {
      const local = randomDevice(options, kind, 4);
      // The half computes in float64 for any storage of its tensors. With float64 tensors a small step stays exact.
      const tensors = local.model.tensors.map((values) => Float64Array.from(values));
      const model = { ...local.model, tensors: tensors as unknown as Float32Array[] };
      const gradients = Object.values(spread(options, model, update(options, local)));
      const step = 1e-6;
      tensors.forEach((values, i) => {
        const slopes = Array.from(values, (value, at) => {
          const lossAt = (moved: number): number => {
            values[at] = moved;
            return update(options, { ...local, model }).loss;
          };
          const slope = (lossAt(value + step) - lossAt(value - step)) / (2 * step);
          values[at] = value;
          return slope;
        });
        expectClose(gradients[i]!, slopes, 1e-6, `tensor ${i}`);
      });
    });
  }

  it('gives the same bits for all rows as for a subset of them', () => {
    for (const [, options] of SIZES) {
      const local = randomDevice(options, 'all', 5);
      const rows = Uint32Array.from(new Set([...local.batch.items, 0, 36])).sort();
      const tensors = metamf(WORLD, options).wire.down.map((spec, i) => {
        const values = local.model.tensors[i]!;
        const width = elements(spec.shape);
        return spec.perRow
          ? Float32Array.from(Array.from(rows).flatMap((row) => Array.from(values.subarray(row * width, (row + 1) * width))))
          : values;
      });
      const subset = { rows, tensors };
      expect(update(options, { ...local, model: subset })).toEqual(update(options, local));
      const predict = (model: LocalModel) => scoresOf(metamf(WORLD, options), model, local, local.batch.items, NO_STATE);
      expect(predict(subset)).toEqual(predict(local.model));
    }
  });

  it('sends the batch’s items in ascending order, for any order of the ratings', () => {
    const local = randomDevice(ODD, 'all', 6);
    const { rows } = update(ODD, local);
    expect(Array.from(local.batch.items)).not.toEqual(Array.from(rows));
    expect(Array.from(rows)).toEqual(Array.from(local.batch.items).sort((a, b) => a - b));
  });

  it('predicts the same for an item together with any others, also one that does not exist', () => {
    const { model, train } = randomDevice(ODD, 'all', 8);
    const algorithm = metamf(WORLD, ODD);
    const predicted = (...items: number[]) => Array.from(scoresOf(algorithm, model, { train }, Uint32Array.from(items), NO_STATE));
    const items = [5, WORLD.items + 1000, 3, 5];
    expect(predicted(...items)).toEqual(items.flatMap((item) => predicted(item)));
  });

  it('learns nothing from an empty batch', () => {
    const local = randomDevice(ODD, 'subset', 7);
    const none = { items: new Uint32Array(), values: new Float32Array() };
    const { count, loss, rows, tensors } = update(ODD, { ...local, batch: none });
    expect([count, loss, rows.length, tensors[0]!.length]).toEqual([0, 0, 0, 0]);
    expect(tensors.every((values) => values.every((value) => value === 0))).toBe(true);
  });

  it('counts the operations of an update: folding and unfolding once, and those of each rating', () => {
    const algorithm = metamf(WORLD, { ...ODD, lowRank: 2, itemEmbedding: 5, units: 3 });
    const of = (count: number) => operationsOf(algorithm, count, NO_STATE);
    // A multiplication and an addition each: 2·3·5 = 30 for A = rise·w1, as many for each of d(rise) and d(w1).
    expect(of(0)).toBe(2 * 3 * 30);
    // 2·3 = 6 for each of z, G and the row's gradient; 3 units of h, of w2 and its gradient, and of b1's.
    expect(of(1) - of(0)).toBe(2 * (3 * 6 + 4 * 3));
    expect(of(10) - of(0)).toBe(10 * (of(1) - of(0)));
  });

  it('refuses an item that its model has no row for', () => {
    const local = randomDevice(ODD, 'subset', 8);
    const missing = Array.from({ length: WORLD.items }, (_, item) => item).find((item) => !local.model.rows!.includes(item))!;
    const batch = { items: Uint32Array.of(missing), values: Float32Array.of(3) };
    expect(() => update(ODD, { ...local, batch })).toThrow(/no row/);
  });
});
