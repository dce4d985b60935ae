import { describe, expect, it } from 'vitest';
import type { MetaMFOptions } from '../../../src/algorithms/metamf/options.js';
import { random } from '../../../src/base/random.js';
import type { Tensorflow } from '../../../src/tensor/tfjs.js';
import {
  ADDITIONS,
  EVEN,
  exchange,
  NARROW,
  ODD,
  randomBatches,
  randomServer,
  TINY_WORLD,
  VARIANTS,
  WORLD,
} from '../../support/metamf/fleet.js';
import { cohortLoss, type DeviceBatch, differentiate, tensorsOf, thetaShapes, valuesOf } from '../../support/metamf/reference-model.js';
import { readGradients, readPadding, readWeights, type Theta, writeWeights } from '../../support/metamf/theta.js';
import { expectClose, expectCloseTensors } from '../../support/tensors/closeness.js';
import { BACKENDS, backendOrSkip } from '../../support/tensors/tensorflow-backend.js';

/** Relative to a tensor's largest gradient. Both sides sum up to 100 terms in float32. All errors seen are below 2e-6. */
const TOLERANCE = 1e-5;

/** Central differences of a loss whose Φ_u are float32. At this step the errors of rounding and of curvature are about equal. */
const STEP = 2 ** -9;
const SLOPE_TOLERANCE = 2e-3;
/** Entries to try in each tensor. */
const ENTRIES = 24;

const SIZES = [
  ['odd', ODD, WORLD],
  ['even', EVEN, WORLD],
  ['narrow', NARROW, WORLD],
  ['three items', ODD, TINY_WORLD],
  ['with dropout', { ...EVEN, dropout: 0.4 }, WORLD],
  ['centred, with item offsets', { ...ODD, ...ADDITIONS }, WORLD],
] as const;
const CASES = SIZES.flatMap(([sizes, base, world]) =>
  VARIANTS.map((variant) => ({ name: `${variant}, ${sizes}`, world, options: { ...base, variant } })),
);

/** ∂(sum of squared errors)/∂Θ by autodiff of the whole model at once. */
const autodiff = (tf: Tensorflow, world: typeof WORLD, options: MetaMFOptions, theta: Theta, batches: readonly DeviceBatch[]) =>
  tf.tidy(() => {
    const tensors = tensorsOf(tf, theta, thetaShapes(world, options));
    const { value, gradients } = differentiate(tf, (named) => cohortLoss(tf, named, world, options, batches), tensors);
    return { loss: value.dataSync()[0]!, gradients: valuesOf(gradients) };
  });

/** Some of the world's devices, with gaps and without device 0. */
const cohortOf = (devices: number): number[] => Array.from({ length: devices }, (_, device) => device).filter((device) => device % 4 !== 0);

const itemsOfSeveral = (batches: readonly DeviceBatch[]): number => {
  const items = batches.flatMap(({ batch }) => Array.from(batch.items));
  return items.length - new Set(items).size;
};

describe.each(BACKENDS)('the gradient of Θ and tfjs on %s', (backend) => {
  for (const { name, world, options } of CASES) {
    it(`agree over a cohort that shares items, round after round: ${name}`, async (ctx) => {
      const tf = await backendOrSkip(ctx, backend);
      const { algorithm, server, theta } = await randomServer(world, options);
      expect(readWeights(server.parameters, options), 'Θ as written').toEqual(theta);
      expect(server.parameters.filter((parameter) => parameter.name === 'low.bias').length, 'shards').toBe(Math.min(8, world.items));
      const cohort = cohortOf(world.devices);
      // The second round has another cohort and other items. The third has no slot of the first round's devices.
      for (const [round, devices] of [cohort, cohort.slice(1), [0, ...cohort]].entries()) {
        const batches = randomBatches(world, devices, round);
        if (world === WORLD) expect(itemsOfSeveral(batches)).toBeGreaterThan(5);
        const expected = autodiff(tf, world, options, readWeights(server.parameters, options), batches);

        const { updates, loss } = exchange({ algorithm, server }, batches, round === 1 ? 'subset' : 'full');
        server.accumulate(updates);

        expectClose([loss], [expected.loss], TOLERANCE, 'loss');
        expectCloseTensors(readGradients(server.parameters, options), expected.gradients, TOLERANCE, `round ${round}, gradient of`);
        server.step(0.01, 1);
        const padding = readPadding(server.parameters, options);
        expect(padding.length > 0).toBe(options.lowRank % 4 !== 0);
        expect(padding.every((value) => value === 0)).toBe(true);
      }
      await server.close();
    });
  }

  it('agree when devices of the cohort sent nothing', async (ctx) => {
    const tf = await backendOrSkip(ctx, backend);
    for (const variant of VARIANTS) {
      const options = { ...ODD, variant };
      const { algorithm, server, theta } = await randomServer(WORLD, options);
      const batches = randomBatches(WORLD, [0, 2, 3, 5, 8], 7);
      const heard = (device: number): boolean => device !== 0 && device !== 5;
      const { updates } = exchange({ algorithm, server }, batches);
      server.accumulate(updates.filter(({ device }) => heard(device)));
      const expected = autodiff(
        tf,
        WORLD,
        options,
        theta,
        batches.filter(({ device }) => heard(device)),
      );
      expectCloseTensors(readGradients(server.parameters, options), expected.gradients, TOLERANCE, `${variant}, gradient of`);
      await server.close();
    }
  });
});

describe('the gradient of Θ', () => {
  for (const { name, world, options } of CASES) {
    it(`is the slope of the cohort's loss through generation and the client half, by central differences: ${name}`, async () => {
      const { algorithm, server, theta } = await randomServer(world, options);
      // Few devices: each unit of each device is a kink that a step may cross.
      const batches = randomBatches(world, cohortOf(world.devices).slice(-2), 5);
      const { updates, loss } = exchange({ algorithm, server }, batches);
      server.accumulate(updates);
      const gradients = readGradients(server.parameters, options);
      const lossAt = (tensor: string, at: number, value: number): number => {
        const values = theta[tensor]!.slice();
        values[at] = value;
        writeWeights(server.parameters, options, { [tensor]: values });
        return exchange({ algorithm, server }, batches).loss;
      };
      for (const [tensor, values] of Object.entries(theta)) {
        const source = random(9, tensor);
        const entries = Array.from({ length: ENTRIES }, () => {
          const at = source.integer(values.length);
          const side = (step: number): number => (lossAt(tensor, at, values[at]! + step) - loss) / step;
          const [right, left, nearRight, nearLeft] = [side(STEP), side(-STEP), side(STEP / 2), side(-STEP / 2)];
          const slope = (nearRight + nearLeft) / 2;
          // A unit that switches within the step bends the loss, and no difference tells the gradient. On a smooth loss the
          // central difference hardly depends on the step, and that of the two sides goes with it.
          const bend = Math.max(Math.abs((right + left) / 2 - slope), Math.abs(right - left - 2 * (nearRight - nearLeft)));
          return { gradient: gradients[tensor]![at]!, slope, bend };
        });
        writeWeights(server.parameters, options, theta);
        const bound = SLOPE_TOLERANCE * entries.reduce((most, { slope }) => Math.max(most, Math.abs(slope)), 0);
        const smooth = entries.filter(({ bend }) => bend <= bound);
        expect(bound, tensor).toBeGreaterThan(0);
        expect(smooth.length, tensor).toBeGreaterThan(ENTRIES / 3);
        for (const { gradient, slope } of smooth)
          expect(Math.abs(gradient - slope), `${tensor}: ${gradient} and ${slope}`).toBeLessThanOrEqual(bound);
      }
      await server.close();
    });
  }

  it('is zero for items without ratings, and only the touched rows of U have one', async () => {
    const { algorithm, server } = await randomServer(WORLD, ODD);
    const batches = randomBatches(WORLD, [1, 6], 11);
    server.accumulate(exchange({ algorithm, server }, batches).updates);
    const gradients = readGradients(server.parameters, ODD);
    const touched = (values: Float32Array, size: number): number[] =>
      Array.from({ length: values.length / size }, (_, row) => row).filter((row) =>
        values.subarray(row * size, (row + 1) * size).some((value) => value !== 0),
      );
    const rated = new Set(batches.flatMap(({ batch }) => Array.from(batch.items)));
    expect(touched(gradients['U']!, ODD.userEmbedding)).toEqual([1, 6]);
    // Not equal: if every unit of the rating-prediction model is off, a rated item's row has no gradient either.
    const items = touched(gradients['low.bias']!, ODD.lowRank);
    expect(items.length).toBeGreaterThan(rated.size / 2);
    expect(items.filter((item) => !rated.has(item))).toEqual([]);
    await server.close();
  });

  it('is the same if the updates come at once and if they come in turns', async () => {
    const batches = randomBatches(WORLD, [0, 2, 3, 5, 8], 12);
    const norms: number[] = [];
    const gradients = async (turns: readonly (readonly number[])[]): Promise<Theta> => {
      const { algorithm, server } = await randomServer(WORLD, ODD);
      const { updates } = exchange({ algorithm, server }, batches);
      for (const turn of turns) server.accumulate(turn.map((index) => updates[index]!));
      const found = readGradients(server.parameters, ODD);
      norms.push(server.step(0.01, 1).gradientNorm);
      await server.close();
      return found;
    };
    expectCloseTensors(await gradients([[0, 1], [2], [3, 4]]), await gradients([[0, 1, 2, 3, 4]]), TOLERANCE, 'gradient of');
    expectClose([norms[0]!], [norms[1]!], TOLERANCE, 'norm of the mean gradient');
  });

  it('does not depend on a round without updates', async () => {
    const gradients = async (silent: readonly (readonly number[])[]): Promise<Theta> => {
      const { algorithm, server, theta } = await randomServer(WORLD, ODD);
      for (const cohort of silent) {
        exchange({ algorithm, server }, randomBatches(WORLD, cohort, 13));
        server.accumulate([]);
        expect(server.step(0.01, 1)).toEqual({ gradientNorm: 0, clipped: false });
      }
      expect(readWeights(server.parameters, ODD)).toEqual(theta);
      server.accumulate(exchange({ algorithm, server }, randomBatches(WORLD, [1, 2, 6], 14)).updates);
      const found = readGradients(server.parameters, ODD);
      await server.close();
      return found;
    };
    expect(await gradients([[0, 2, 8]])).toEqual(await gradients([]));
  });

  it('refuses the update of a device that is not in the cohort', async () => {
    const { algorithm, server } = await randomServer(WORLD, ODD);
    const { updates } = exchange({ algorithm, server }, randomBatches(WORLD, [1, 6], 11));
    exchange({ algorithm, server }, randomBatches(WORLD, [1, 5], 11));
    expect(() => server.accumulate(updates)).toThrow('device 6 is not in the cohort');
    await server.close();
  });
});
