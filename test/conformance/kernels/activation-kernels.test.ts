import { describe, expect, it } from 'vitest';
import { random } from '../../../src/base/random.js';
import type { Kernels } from '../../../src/tensor/kernels/kernels.js';
import { KERNELS } from '../../support/tensors/implementations.js';
import { type Call, expectSameOutcome, real } from '../../support/tensors/kernel-workbench.js';

const { definition, others, all } = KERNELS;

const activations = ['sigmoid', 'tanh'] as const;
const slopes = ['sigmoidBackward', 'tanhBackward'] as const;

/** Every magnitude that training meets, and where the functions are flat. */
const inputs = Float32Array.of(
  ...[0, 1e-30, 1e-6, 0.001, 0.3, 0.5, 1, 2, 3.7, 8, 20, 60, 87, 100, 1e30].flatMap((x) => [x, -x]),
  Number.POSITIVE_INFINITY,
);

const call =
  (name: (typeof activations)[number], values: Float32Array): Call =>
  (kernels, put) =>
    kernels[name](values.length, put(values));

describe.each(others)('activations of $name', ({ on }) => {
  it.each(activations)('%s stays within 2⁻²² of the definition', (name) => {
    const drawn = real(random(1), 1003).map((x) => 12 * x);
    for (const values of [inputs, drawn]) {
      const [found, expected] = [on, definition.on].map((run) => run(call(name, values)).buffers[0]!);
      for (let at = 0; at < values.length; at++) expect(Math.abs(found![at]! - expected![at]!), `${values[at]}`).toBeLessThan(2 ** -22);
    }
  });

  it.each(slopes)('%s equals the definition where products are exact, at every length', (name) => {
    for (const count of [0, 1, 3, 4, 5, 16, 33]) {
      const source = random(2, count);
      const y = Float32Array.from({ length: count }, () => (source.integer(9) - 4) / 4);
      const dy = Float32Array.from({ length: count }, () => source.integer(9) - 4);
      const run: Call = (kernels: Kernels, put) => kernels[name](count, put(y), put(dy));
      expectSameOutcome(on(run), definition.on(run), `${count} elements`);
    }
  });
});

describe.each(all)('activations of $name', ({ on }) => {
  it.each(activations)('%s keeps NaN, so that diverged training stays visible', (name) => {
    const { buffers } = on(call(name, Float32Array.of(Number.NaN, 1, 1, 1, Number.NaN)));
    expect([0, 4].map((at) => Number.isNaN(buffers[0]![at]))).toEqual([true, true]);
  });

  it.each(activations)('%s gives an element the same bits wherever it lies', (name) => {
    const values = real(random(3), 11);
    const whole = on(call(name, values)).buffers[0]!;
    values.forEach((value, at) => expect(on(call(name, Float32Array.of(value))).buffers[0]![0]).toBe(whole[at]));
  });

  it.each([
    ['sigmoid', 'sigmoidBackward'],
    ['tanh', 'tanhBackward'],
  ] as const)('%s has the slope that %s multiplies by', (name, slope) => {
    const step = 1 / 128;
    for (const x of [-2, -0.3, 0, 1.5]) {
      const [low, y, high] = on(call(name, Float32Array.of(x - step, x, x + step))).buffers[0]!;
      const dy = on((kernels, put) => kernels[slope](1, put(Float32Array.of(y!)), put(Float32Array.of(1)))).buffers[1]![0]!;
      expect(dy).toBeCloseTo((high! - low!) / (2 * step), 4);
    }
  });
});
