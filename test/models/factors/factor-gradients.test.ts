import { expect, it } from 'vitest';
import { random } from '../../../src/base/random.js';
import type { FactorKernels } from '../../../src/models/factors/kernels/factor-kernels.js';
import { factorReference } from '../../../src/models/factors/kernels/factor-reference.js';
import * as Descent from '../../../src/models/factors/kernels/structs/descent.js';
import * as Factors from '../../../src/models/factors/kernels/structs/factors.js';
import { simdKernels } from '../../../src/tensor/kernels/simd.js';
import { createArena } from '../../../src/tensor/memory/arena.js';
import { createStruct, write } from '../../../src/tensor/memory/struct.js';

const K = 4;
const ITEMS = [0, 2, 3];
const VALUES = [4, 1, 3];
const SETTINGS = { mean: 2.5, decay: 0.3, biasDecay: 0.2, implicitDecay: 0.1 };

/** Parameters by name: one user, four items. */
const initial = (): Record<string, Float32Array> => {
  const table = (name: string, count: number): Float32Array =>
    Float32Array.from(
      { length: count },
      (
        (s) => () =>
          s.normal()
      )(random(1, name)),
    );
  return { p: table('p', K), q: table('q', 4 * K), bu: table('bu', 1), bi: table('bi', 4), y: table('y', 4 * K) };
};

const IMPLEMENTATIONS = { SIMD: (memory: WebAssembly.Memory) => simdKernels<FactorKernels>(memory), reference: factorReference };

/** (before − after) / rate of every parameter, for a rate so small that steps within the pass do not meet. */
const stepOf = (
  implement: (memory: WebAssembly.Memory) => FactorKernels,
  call: (kernels: FactorKernels, model: number, hyper: number, put: (v: Uint32Array) => number) => void,
  rate: number,
): Record<string, number[]> => {
  const arena = createArena();
  const put = (values: Float32Array | Uint32Array): number => {
    const pointer = arena.allocate(values.length);
    if (values instanceof Float32Array) arena.f32(pointer, values.length).set(values);
    else arena.u32(pointer, values.length).set(values);
    return pointer;
  };
  const before = initial();
  const at = Object.fromEntries(Object.entries(before).map(([name, values]) => [name, put(values)]));
  const model = createStruct(arena, Factors);
  write(model.view, Factors, {
    ...{ k: K, users: at['p']!, items: at['q']!, userBias: at['bu']!, itemBias: at['bi']!, implicit: at['y']! },
    ...{ offsets: put(Uint32Array.of(0, ITEMS.length)), ids: put(Uint32Array.from(ITEMS)), values: put(Float32Array.from(VALUES)) },
    work: arena.allocate(2 * K),
  });
  const hyper = arena.allocate(10);
  write(arena.f64(hyper, 5), Descent, { ...SETTINGS, rate });
  call(implement(arena.memory), model.pointer, hyper, put);
  return Object.fromEntries(
    Object.entries(before).map(([name, values]) => [
      name,
      Array.from(arena.f32(at[name]!, values.length), (after, index) => (values[index]! - after) / rate),
    ]),
  );
};

/** Central differences of a loss of all parameters. */
const gradientOf = (loss: (parameters: Record<string, Float64Array>) => number): Record<string, number[]> => {
  const parameters = Object.fromEntries(Object.entries(initial()).map(([name, values]) => [name, Float64Array.from(values)]));
  return Object.fromEntries(
    Object.entries(parameters).map(([name, values]) => [
      name,
      Array.from(values, (value, index) => {
        const at = (x: number): number => {
          values[index] = x;
          return loss(parameters);
        };
        const slope = (at(value + 1e-5) - at(value - 1e-5)) / 2e-5;
        values[index] = value;
        return slope;
      }),
    ]),
  );
};

const row = (table: Float64Array, item: number): Float64Array => table.subarray(item * K, (item + 1) * K);
const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, e) => sum + value * b[e]!, 0);
const square = (a: Float64Array): number => dot(a, a);

const expectClose = (found: Record<string, number[]>, expected: Record<string, number[]>): void => {
  for (const [name, values] of Object.entries(expected))
    values.forEach((value, at) => expect(Math.abs(found[name]![at]! - value), `${name} ${at}`).toBeLessThan(0.03 * (1 + Math.abs(value))));
};

it.each(Object.entries(IMPLEMENTATIONS))(
  '%s: a pass of SVD++ goes down the gradient of ½ Σ e² with its L2 terms, by central differences',
  (_, implement) => {
    const loss = ({ p, q, bu, bi, y }: Record<string, Float64Array>): number => {
      const x = p!.map((value, e) => value + ITEMS.reduce((sum, item) => sum + row(y!, item)[e]!, 0) / Math.sqrt(ITEMS.length));
      return ITEMS.reduce((sum, item, r) => {
        const error = VALUES[r]! - (SETTINGS.mean + bu![0]! + bi![item]! + dot(row(q!, item), x));
        const vectors = SETTINGS.decay * (square(p!) + square(row(q!, item))) + SETTINGS.biasDecay * (bu![0]! ** 2 + bi![item]! ** 2);
        const implicit = SETTINGS.implicitDecay * ITEMS.reduce((all, other) => all + square(row(y!, other)), 0);
        return sum + (error ** 2 + vectors + implicit) / 2;
      }, 0);
    };
    const step = stepOf(implement, (kernels, model, hyper, put) => kernels.descendFactors(model, 1, put(Uint32Array.of(0)), hyper), 1e-3);
    expectClose(step, gradientOf(loss));
  },
);

it.each(Object.entries(IMPLEMENTATIONS))(
  '%s: a pair of BPR goes down the gradient of −ln σ with its L2 terms, by central differences',
  (_, implement) => {
    const loss = ({ p, q, bi }: Record<string, Float64Array>): number => {
      const margin = dot(p!, row(q!, 1)) - dot(p!, row(q!, 3)) + bi![1]! - bi![3]!;
      const vectors = SETTINGS.decay * (square(p!) + square(row(q!, 1)) + square(row(q!, 3)));
      return Math.log1p(Math.exp(-margin)) + (vectors + SETTINGS.biasDecay * (bi![1]! ** 2 + bi![3]! ** 2)) / 2;
    };
    const step = stepOf(
      implement,
      (kernels, model, hyper, put) =>
        kernels.descendPairs(model, 1, put(Uint32Array.of(0)), put(Uint32Array.of(1)), put(Uint32Array.of(3)), hyper),
      1e-3,
    );
    expectClose(step, gradientOf(loss));
  },
);
