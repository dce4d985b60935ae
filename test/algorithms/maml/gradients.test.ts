import { describe, expect, it } from 'vitest';
import type { MamlOptions } from '../../../src/algorithms/maml/options.js';
import { gradientOf, play } from '../../support/maml/client.js';
import { adapted, descended, type Local, lossOf, type Name, type Numbers, OPTIONS, randomLocal, slopes } from '../../support/maml/model.js';
import { expectClose } from '../../support/tensors/closeness.js';

/** Of a tensor's largest gradient: updates are float32. */
const TOLERANCE = 1e-6;
const MODEL = ['items', 'offsets', 'start'] as const;

const CASES = [
  { dimension: 3, innerSteps: 3 },
  { dimension: 1, innerSteps: 1 },
  { dimension: 5, innerSteps: 5, decay: 0, support: 0.4 },
] as const;

const forEachCase = (variant: MamlOptions['variant'], check: (options: MamlOptions, local: Local) => void): void => {
  for (const over of CASES) {
    const options: MamlOptions = { ...OPTIONS, ...over, variant };
    for (const seed of [1, 2, 3]) check(options, randomLocal(options, 10, seed));
  }
};

const expectGradient = (
  options: MamlOptions,
  local: Local,
  names: readonly Name[],
  at: (work: ReturnType<typeof play>['work'], name: Name) => number[],
): void => {
  const { work, update } = play(options, local);
  for (const name of names) {
    const expected = at(work, name);
    expect(expected.some((value) => value !== 0)).toBe(true);
    expectClose(gradientOf(update, local.numbers, name), expected, TOLERANCE, `${options.variant}, ${name}`);
  }
};

describe('the update of a device is, by central differences,', () => {
  it('the gradient of the query loss at the adapted user part: first-order', () => {
    forEachCase('first-order', (options, local) =>
      expectGradient(options, local, MODEL, ({ support, query }, name) => {
        const { numbers } = adapted(local.numbers, support, options.innerSteps);
        return slopes(numbers, name, (moved) => lossOf(moved, query, options.decay));
      }),
    );
  });

  it('the gradient of the query loss through the adaptation: second-order', () => {
    forEachCase('second-order', (options, local) =>
      expectGradient(options, local, MODEL, ({ support, query }, name) => {
        const through = (moved: Numbers): number => lossOf(adapted(moved, support, options.innerSteps).numbers, query, options.decay);
        return slopes(local.numbers, name, through);
      }),
    );
  });

  it('that of first order, and of the rates with the inner gradients held: meta-sgd', () => {
    forEachCase('meta-sgd', (options, local) =>
      expectGradient(options, local, [...MODEL, 'rates'], ({ support, query }, name) => {
        const { numbers, gradients } = adapted(local.numbers, support, options.innerSteps);
        if (name !== 'rates') return slopes(numbers, name, (moved) => lossOf(moved, query, options.decay));
        return slopes(local.numbers, name, (moved) => {
          const start = moved.start.map((value, at) => value - moved.rates[at]! * gradients.reduce((sum, g) => sum + g[at]!, 0));
          return lossOf({ ...moved, start }, query, options.decay);
        });
      }),
    );
  });

  it('the way of the whole model down its loss, over the rate: reptile', () => {
    forEachCase('reptile', (options, local) => {
      const { innerSteps, innerRate } = options;
      const now = descended(local.numbers, local.ratings, innerRate, innerSteps);
      expectGradient(options, local, MODEL, (_, name) => local.numbers[name].map((value, at) => (value - now[name][at]!) / innerRate));
    });
  });
});

it('with one inner step, the gradient of the rates is that through the adaptation', () => {
  const options: MamlOptions = { ...OPTIONS, variant: 'meta-sgd', innerSteps: 1 };
  const local = randomLocal(options, 12, 4);
  expectGradient(options, local, ['rates'], ({ support, query }, name) =>
    slopes(local.numbers, name, (moved) => lossOf(adapted(moved, support, 1).numbers, query)),
  );
});
