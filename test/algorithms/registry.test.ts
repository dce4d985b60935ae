import { describe, expect, it } from 'vitest';
import { fedavgOptions } from '../../src/algorithms/fedavg/options.js';
import { createAlgorithm } from '../../src/algorithms/registry.js';
import { isMetafleetError } from '../../src/base/errors.js';
import { deviceId } from '../../src/base/units.js';
import type { OptimizerSetup } from '../../src/tensor/optimizers/setup.js';
import { metamf, ODD, PLAIN_ADAM, prepareFor, randomServer, WORLD } from '../support/metamf/fleet.js';
import { readWeights } from '../support/metamf/theta.js';

const RATE = 0.5;

/** λ of each tensor, seen from outside: without a gradient, a decoupled step takes learning rate · λ of every weight. */
const decays = async (optimizer: Partial<OptimizerSetup>): Promise<Readonly<Record<string, number>>> => {
  const { algorithm, server, theta } = await randomServer(WORLD, ODD, { ...optimizer, decoupled: true });
  prepareFor(server, [deviceId(0)], 1);
  const tensors = algorithm.wire.down.map(
    ({ perRow, shape }) => new Float32Array(perRow ? 0 : shape.reduce((product, size) => product * size, 1)),
  );
  server.accumulate([{ device: deviceId(0), count: 1, rows: new Uint32Array(), tensors }]);
  server.step(RATE, 1);
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
  const names = server.parameters.filter((parameter) => parameter.kind === 'tensor').map(({ name }) => name);
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

  it('leave rows without a gradient alone, decay included, in the tensors and groups named lazy', async () => {
    const common = { 'hidden.item.weights': 0.1, M: 0.1 };
    expect(await decays({ decay: 0.1, lazy: [] })).toMatchObject({ ...common, 'low.weights': 0.1, 'low.bias': 0.1 });
    expect(await decays({ decay: 0.1, lazy: ['low'] })).toMatchObject({ ...common, 'low.weights': 0, 'low.bias': 0 });
    expect(await decays({ decay: 0.1, lazy: ['low.bias'] })).toMatchObject({ ...common, 'low.weights': 0.1, 'low.bias': 0 });
    expect(await decays({ decay: 0.1, lazy: ['U', 'low.weights'] })).toMatchObject({ ...common, 'low.weights': 0, 'low.bias': 0.1 });
  });
});

/** The CONFIG error that settings meet with, or `none`. */
const refusal = (optimizer: Partial<OptimizerSetup>): string => {
  try {
    metamf(WORLD, ODD, optimizer);
  } catch (error) {
    if (isMetafleetError(error, 'CONFIG')) return error.message;
    throw error;
  }
  return 'none';
};

describe('lazy steps are refused with one CONFIG error', () => {
  it.each(['M', 'hidden', 'hidden.item.weights', 'rise', 'layer1.bias', 'lo', 'lower', 'Us', ''])(
    'for a dense tensor or none: %j',
    (name) => {
      expect(refusal({ lazy: ['U', name] })).toBe(`key optimizer.lazy: expected U or low, found ${name}`);
    },
  );

  it.each([
    [['U'], ['U'], 'U'],
    [['low'], ['U', 'low'], 'low'],
    [['low.bias'], ['low'], 'low'],
    [['low'], ['low.weights'], 'low.weights'],
  ])('for a tensor with a single second moment: tensorMoments %j, lazy %j', (tensorMoments, lazy, found) => {
    expect(refusal({ tensorMoments, lazy })).toBe(
      `key optimizer.lazy: expected tensors with a second moment per element, found ${found}, which tensorMoments names`,
    );
  });

  it('but not for one part of a group beside another with a single second moment', () => {
    expect(refusal({ tensorMoments: ['low.bias', 'hidden', 'M'], lazy: ['low.weights', 'U'] })).toBe('none');
  });
});

describe('settings of an optimizer that contradict each other are refused with one CONFIG error', () => {
  it.each<readonly [Partial<OptimizerSetup>, string]>([
    [{ rowMoments: ['U', 'M'] }, 'key optimizer.rowMoments: expected U or low, found M'],
    [
      { rowMoments: ['low.weights'], tensorMoments: ['low'] },
      'key optimizer.rowMoments: expected tensors that tensorMoments does not name, found low.weights',
    ],
    [{ kind: 'adagrad', rowMoments: ['U'] }, 'key optimizer.rowMoments: expected nothing, since adagrad has no second moments, found U'],
    [{ nesterov: true }, 'key optimizer.nesterov: expected false without the momentum of sgd, found true'],
    [{ kind: 'sgd', momentum: 0, nesterov: true }, 'key optimizer.nesterov: expected false without the momentum of sgd, found true'],
    [{ popularity: 0.5 }, 'key optimizer.popularity: expected 0 unless decoupled is true, found 0.5'],
    [
      { popularity: 0.5, decoupled: true, lazy: ['low.bias'] },
      'key optimizer.lazy: expected nothing of low, whose rows decay by popularity, found low.bias',
    ],
  ])('%j', (optimizer, message) => expect(refusal(optimizer)).toBe(message));

  it.each<Partial<OptimizerSetup>>([
    { rowMoments: ['low'], tensorMoments: ['U', 'M'], lazy: ['low'] },
    { kind: 'adagrad', lazy: ['U', 'low'], tensorMoments: ['low'] },
    { kind: 'sgd', momentum: 0.5, nesterov: true },
    { popularity: 0.5, decoupled: true, lazy: ['U'] },
  ])('but not %j', (optimizer) => expect(refusal(optimizer)).toBe('none'));
});

it('an algorithm is made by its name', () => {
  const options = fedavgOptions.parse({ model: 'mlp' });
  const algorithm = createAlgorithm({ name: 'fedavg', options, optimizer: PLAIN_ADAM }, WORLD);
  expect([algorithm.name, algorithm.wire.down.map(({ name }) => name)]).toEqual(['fedavg', ['items', 'w1', 'b1', 'w2', 'b2']]);
  expect(metamf(WORLD, ODD).name).toBe('metamf');
});

describe('the kinds of optimizers', () => {
  /** How far b2's bias goes in each of two steps by the same gradient. */
  const steps = async (optimizer: Partial<OptimizerSetup>): Promise<readonly number[]> => {
    const { algorithm, server } = await randomServer(WORLD, ODD, optimizer);
    const last = (): number => readWeights(server.parameters, ODD)['layer2.bias']!.at(-1)!;
    const tensors = algorithm.wire.down.map(({ name, perRow, shape }) =>
      new Float32Array(perRow ? 0 : shape.reduce((product, size) => product * size, 1)).fill(name === 'b2' ? 1 : 0),
    );
    const moves = [0, 1].map(() => {
      const before = last();
      prepareFor(server, [deviceId(0)], 1);
      server.accumulate([{ device: deviceId(0), count: 4, rows: new Uint32Array(), tensors }]);
      server.step(RATE, 1);
      return last() - before;
    });
    await server.close();
    return moves;
  };

  it.each<readonly [Partial<OptimizerSetup>, readonly number[]]>([
    // The rate times the mean gradient, which is a quarter.
    [{ kind: 'sgd', momentum: 0 }, [-RATE / 4, -RATE / 4]],
    [{ kind: 'sgd', momentum: 0.5 }, [-RATE / 4, (-RATE / 4) * 1.5]],
    [{ kind: 'sgd', momentum: 0.5, nesterov: true }, [(-RATE / 4) * 1.5, (-RATE / 4) * 1.75]],
    // Whatever the gradient's size.
    [{ kind: 'adam' }, [-RATE, -RATE]],
    [{ kind: 'adagrad' }, [-RATE, -RATE / Math.SQRT2]],
  ])('step as they are called: %j', async (optimizer, expected) => {
    for (const [at, move] of (await steps(optimizer)).entries()) expect(move).toBeCloseTo(expected[at]!, 5);
  });
});

describe('what lies with the parameters', () => {
  it.each<readonly [Partial<OptimizerSetup>, string, string]>([
    [{}, 'element', 'element'],
    [{ rowMoments: ['low'] }, 'element', 'row'],
    [{ tensorMoments: ['hidden'] }, 'tensor', 'element'],
    [{ kind: 'adagrad' }, 'squares', 'squares'],
    [{ kind: 'sgd' }, 'velocity', 'velocity'],
  ])('follows from %j', async (optimizer, hidden, low) => {
    const { server } = await randomServer(WORLD, ODD, optimizer);
    const kinds = Object.fromEntries(server.parameters.map(({ name, kind }) => [name, kind]));
    await server.close();
    expect([kinds['hidden.item.weights'], kinds['low.weights']]).toEqual([hidden, low]);
  });

  it('counts touched rows where they decay by popularity: of the items only', async () => {
    const { server } = await randomServer(WORLD, ODD, { popularity: 1, decoupled: true });
    const counted = server.parameters.filter(({ counts }) => counts !== 0).map(({ name }) => name);
    await server.close();
    expect(Array.from(new Set(counted)).sort()).toEqual(['low.bias', 'low.weights']);
  });
});
