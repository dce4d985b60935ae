import { describe, expect, it } from 'vitest';
import type { MetaMFOptions } from '../../../src/algorithms/metamf/options.js';
import type { MetaMFServer } from '../../../src/algorithms/metamf/server.js';
import type { World } from '../../../src/algorithms/port/definition.js';
import { metamf, ODD, VARIANTS } from '../../support/metamf/fleet.js';
import { thetaShapes } from '../../support/metamf/reference-model.js';
import { readPadding, readWeights, type Theta } from '../../support/metamf/theta.js';

/** So large that a sample's standard deviation is close to the distribution's. */
const WORLD: World = { devices: 400, items: 300, lowest: 1, highest: 4 };
const OPTIONS: MetaMFOptions = {
  ...ODD,
  userEmbedding: 20,
  collaborative: 30,
  hidden: 40,
  lowRank: 6,
  itemEmbedding: 50,
  units: 12,
  userInit: 0.3,
};

const initial = async (options: MetaMFOptions, seed: number, threads = 1): Promise<Theta> => {
  const server = (await metamf(WORLD, options).createServer({ seed, threads })) as MetaMFServer;
  const theta = readWeights(server.parameters, options);
  expect(readPadding(server.parameters, options).every((value) => value === 0)).toBe(true);
  await server.close();
  return theta;
};

const deviation = (values: ArrayLike<number>): number =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0) / values.length);
const xavier = (fanIn: number, fanOut: number): number => Math.sqrt(2 / (fanIn + fanOut));

/** Within five standard errors of a normal sample's standard deviation. */
const expectDeviation = (values: ArrayLike<number>, wanted: number, label: string): void =>
  expect(Math.abs(deviation(values) / wanted - 1), label).toBeLessThan(5 / Math.sqrt(2 * values.length));

/** Columns `from` … of a matrix with `columns` columns. */
const columns = (values: Float32Array, width: number, from: number, to: number): Float32Array =>
  values.filter((_, at) => at % width >= from && at % width < to);

describe('Θ at the start', () => {
  it.each(VARIANTS)('has the shapes of the model, padding apart: %s', async (variant) => {
    const options = { ...OPTIONS, variant };
    const sizes = Object.entries(await initial(options, 1)).map(([name, values]) => [name, values.length]);
    const shapes = Object.entries(thetaShapes(WORLD, options));
    expect(Object.fromEntries(sizes)).toEqual(
      Object.fromEntries(shapes.map(([name, shape]) => [name, shape.reduce((product, size) => product * size, 1)])),
    );
  });

  it('is normal: U as asked for, weights by their fan-in and fan-out, each part of a generator by its own', async () => {
    const { lowRank: s, itemEmbedding: d, units: f, hidden: o, collaborative: k } = OPTIONS;
    const theta = await initial(OPTIONS, 1);
    const layer1 = theta['layer1.weights']!;
    const layer2 = theta['layer2.weights']!;
    const expected: [ArrayLike<number>, number][] = [
      [theta['U']!, 0.3],
      [theta['M']!, xavier(OPTIONS.userEmbedding, k)],
      [theta['hidden.item.weights']!, xavier(k, o)],
      [theta['hidden.layer1.weights']!, xavier(k, o)],
      [theta['hidden.layer2.weights']!, xavier(k, o)],
      [theta['low.weights']!, xavier(o, WORLD.items * s)],
      [theta['rise.weights']!, xavier(o, s * d)],
      [columns(layer1, d * f + f, 0, d * f), xavier(o, d * f)],
      [columns(layer1, d * f + f, d * f, d * f + f), xavier(o, f)],
      [columns(layer2, f + 1, 0, f), xavier(o, f)],
      [columns(layer2, f + 1, f, f + 1), xavier(o, 1)],
    ];
    for (const [index, [values, wanted]] of expected.entries()) expectDeviation(values, wanted, `part ${index}`);
  });

  it('has zero biases, but for predictions that start in the middle of the scale', async () => {
    const theta = await initial(OPTIONS, 1);
    const biases = Object.entries(theta).filter(([name]) => name.endsWith('.bias'));
    for (const [name, values] of biases) {
      const expected = new Float32Array(values.length);
      if (name === 'layer2.bias') expected[values.length - 1] = 2.5;
      expect(values, name).toEqual(expected);
    }
    const centred = await initial({ ...OPTIONS, centring: 'device-mean' }, 1);
    expect(centred['layer2.bias']!.every((value) => value === 0)).toBe(true);
  });

  it('gives a shared table the weights of its layer', async () => {
    const { lowRank: s, itemEmbedding: d, units: f } = OPTIONS;
    const items = await initial({ ...OPTIONS, variant: 'si' }, 1);
    for (const name of ['low.bias', 'rise.bias']) expectDeviation(items[name]!, xavier(s, d), name);
    const layers = await initial({ ...OPTIONS, variant: 'sm' }, 1);
    expectDeviation(layers['layer1.bias']!.subarray(0, d * f), xavier(d, f), 'w1');
    expectDeviation(layers['layer2.bias']!.subarray(0, f), xavier(f, 1), 'w2');
    expect(layers['layer1.bias']!.subarray(d * f).every((value) => value === 0)).toBe(true);
    expect(layers['layer2.bias']![f]).toBe(2.5);
  });

  it('follows from the seed, not from the threads', async () => {
    const theta = await initial(OPTIONS, 1);
    expect(await initial(OPTIONS, 1, 2)).toEqual(theta);
    const other = await initial(OPTIONS, 2);
    for (const name of ['U', 'M', 'low.weights', 'rise.weights', 'hidden.item.weights']) expect(other[name]).not.toEqual(theta[name]);
  });
});
