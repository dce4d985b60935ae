import { describe, expect, it } from 'vitest';
import type { OptimizerSetup } from '../../src/algorithms/create.js';
import { deviceId } from '../../src/base/units.js';
import { momentKind } from '../../src/tensor/adam.js';
import { ODD, randomServer, WORLD } from './metamf/fleet.js';
import { readWeights } from './metamf/theta.js';

const RATE = 0.5;

/** λ of each tensor, seen from outside: without a gradient, a decoupled step takes learning rate · λ of every weight. */
const decays = async (optimizer: Partial<OptimizerSetup>): Promise<Readonly<Record<string, number>>> => {
  const { algorithm, server, theta } = await randomServer(WORLD, ODD, { ...optimizer, decoupled: true });
  server.prepare([deviceId(0)]);
  const tensors = algorithm.tensors.map(
    ({ perRow, shape }) => new Float32Array(perRow ? 0 : shape.reduce((product, size) => product * size, 1)),
  );
  server.accumulate([{ device: deviceId(0), count: 1, rows: new Uint32Array(), tensors }]);
  server.step(RATE);
  const stepped = readWeights(server.parameters, ODD);
  await server.close();
  return Object.fromEntries(
    Object.entries(theta).map(([name, values]) => {
      const largest = values.reduce((best, value, at) => (Math.abs(value) > Math.abs(values[best]!) ? at : best), 0);
      return [name, Number(((1 - stepped[name]![largest]! / values[largest]!) / RATE).toFixed(5))];
    }),
  );
};

const singleMoments = async (tensorMoments: readonly string[]): Promise<readonly string[]> => {
  const { server } = await randomServer(WORLD, ODD, { tensorMoments });
  const names = server.parameters.filter((parameter) => momentKind(parameter) === 'tensor').map(({ name }) => name);
  await server.close();
  return Array.from(new Set(names)).sort();
};

describe('the optimizer’s settings by tensor', () => {
  it('give every tensor the common weight decay, but for those named', async () => {
    const found = await decays({ decay: 0.1, decayOf: { U: 0.2, 'low.bias': 0.3 } });
    for (const [name, lambda] of Object.entries(found)) expect([name, lambda]).toEqual([name, { U: 0.2, 'low.bias': 0.3 }[name] ?? 0.1]);
  });

  it('mean a group by the part of its tensors’ names before a dot; the longest match counts, in any order', async () => {
    const expected = {
      'hidden.item.weights': 0.3,
      'hidden.item.bias': 0.4,
      'hidden.layer1.weights': 0.2,
      'hidden.layer2.bias': 0.2,
      'low.weights': 0.1,
    };
    const groups = { hidden: 0.2, 'hidden.item': 0.3, 'hidden.item.bias': 0.4 };
    const reversed = Object.fromEntries(Object.entries(groups).reverse());
    expect(await decays({ decay: 0.1, decayOf: groups })).toMatchObject(expected);
    expect(await decays({ decay: 0.1, decayOf: reversed })).toMatchObject(expected);
  });

  it('exempt a tensor by a decay of zero', async () => {
    expect(await decays({ decay: 0.1, decayOf: { low: 0 } })).toMatchObject({ 'low.weights': 0, 'low.bias': 0, U: 0.1 });
  });

  it('are for whole names: the beginning of one is not the name of a group', async () => {
    const found = await decays({ decay: 0.1, decayOf: { lo: 0.2, layer: 0.2, 'low.': 0.2, bias: 0.2 } });
    expect(new Set(Object.values(found))).toEqual(new Set([0.1]));
    expect(await singleMoments(['lo', 'layer', 'weights'])).toEqual([]);
  });

  it('give one second moment to the tensors and groups named, and to no other', async () => {
    expect(await singleMoments([])).toEqual([]);
    expect(await singleMoments(['low', 'U'])).toEqual(['U', 'low.bias', 'low.weights']);
    expect(await singleMoments(['low.weights', 'hidden.layer1'])).toEqual(['hidden.layer1.bias', 'hidden.layer1.weights', 'low.weights']);
  });
});
