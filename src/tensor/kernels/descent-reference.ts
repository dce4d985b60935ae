import type { Kernels } from './kernels.js';
import { createRowPasses, hyperAt } from './row-passes.js';

type DescentKernels = Pick<
  Kernels,
  'adagrad' | 'adagradItems' | 'adagradPending' | 'momentum' | 'momentumItems' | 'momentumPending' | 'scaleItems'
>;

/** Reference of the kernels of the other rules than Adam: their definition. */
export const descentReference = (memory: WebAssembly.Memory): DescentKernels => {
  const floats = (pointer: number, count: number) => new Float32Array(memory.buffer, pointer, count);
  const { eachItem, eachPending } = createRowPasses(memory);
  /** The gradient of each element as the rules take it: scaled, and with L2 where it is coupled. */
  const seen = (count: number, w: number, g: number, { scale, decay, decoupled }: ReturnType<typeof hyperAt>): Float64Array => {
    const W = floats(w, count);
    const G = floats(g, g === 0 ? 0 : count);
    return Float64Array.from(W, (weight, i) => (g === 0 ? 0 : scale * G[i]!) + (decoupled ? 0 : decay * weight));
  };

  const adagrad: Kernels['adagrad'] = (count, w, v, g, hyper) => {
    const own = hyperAt(memory, hyper);
    const { rate, epsilon, decay, decoupled } = own;
    const gradient = seen(count, w, g, own);
    const W = floats(w, count);
    const V = floats(v, count);
    for (let i = 0; i < count; i++) {
      V[i] = V[i]! + gradient[i]! ** 2;
      W[i] = W[i]! * (decoupled ? 1 - decay : 1) - (gradient[i] === 0 ? 0 : (rate * gradient[i]!) / (Math.sqrt(V[i]!) + epsilon));
    }
  };
  const momentum: Kernels['momentum'] = (count, w, m, g, hyper) => {
    const own = hyperAt(memory, hyper);
    const { rate, factor, nesterov, decay, decoupled } = own;
    const gradient = seen(count, w, g, own);
    const W = floats(w, count);
    const M = floats(m, count);
    for (let i = 0; i < count; i++) {
      M[i] = factor * M[i]! + gradient[i]!;
      W[i] = W[i]! * (decoupled ? 1 - decay : 1) - rate * (nesterov ? gradient[i]! + factor * M[i]! : M[i]!);
    }
  };

  return {
    adagrad,
    adagradItems: (rows, first, count, g, hyper) =>
      eachItem(rows, first, count, g, ({ size, w, v }, gradient) => adagrad(size, w, v, gradient, hyper)),
    adagradPending: (rows, first, count, last) =>
      eachPending(rows, first, count, last, ({ size, w, v }, hyper) => adagrad(size, w, v, 0, hyper)),
    momentum,
    momentumItems: (rows, first, count, g, hyper) =>
      eachItem(rows, first, count, g, ({ size, w, m }, gradient) => momentum(size, w, m, gradient, hyper)),
    momentumPending: (rows, first, count, last) =>
      eachPending(rows, first, count, last, ({ size, w, m }, hyper) => momentum(size, w, m, 0, hyper)),
    scaleItems: (count, size, factors, w) => {
      const F = floats(factors, count);
      floats(w, count * size).forEach((value, at, weights) => {
        weights[at] = value * F[Math.floor(at / size)]!;
      });
    },
  };
};
