import type { RowPasses } from '../optimizers/item-rows.js';
import type { Kernels } from './kernels.js';

type DescentKernels = Pick<
  Kernels,
  | 'adamRow'
  | 'adamRowItems'
  | 'adamRowOwed'
  | 'adagrad'
  | 'adagradItems'
  | 'adagradOwed'
  | 'momentum'
  | 'momentumItems'
  | 'momentumOwed'
  | 'scaleItems'
>;

/** Reference of the kernels that step weights otherwise than Adam per element or per tensor: their definition. */
export const descentReference = (
  memory: WebAssembly.Memory,
  { eachItem, eachOwed }: RowPasses,
  adamTensor: Kernels['adamTensor'],
): DescentKernels => {
  const floats = (pointer: number, count: number) => new Float32Array(memory.buffer, pointer, count);
  /** The gradient of element i as the rules see it: scaled, and with L2 where that is coupled. */
  const seen = (count: number, w: number, g: number, scale: number, decay: number, decoupled: number): Float64Array => {
    const W = floats(w, count);
    const G = floats(g, g === 0 ? 0 : count);
    return Float64Array.from(W, (weight, i) => (g === 0 ? 0 : scale * G[i]!) + (decoupled ? 0 : decay * weight));
  };

  const adamRow: Kernels['adamRow'] = (count, trained, w, m, v, g, scale, rate, correction, beta1, beta2, epsilon, decay, decoupled) => {
    const gradient = seen(count, w, g, scale, decay, decoupled);
    const V = floats(v, 1);
    V[0] = beta2 * V[0]! + ((1 - beta2) * gradient.reduce((sum, value) => sum + value * value, 0)) / trained;
    adamTensor(count, w, m, g, scale, rate / (Math.sqrt(V[0]!) * correction + epsilon), beta1, decay, decoupled);
  };
  const adagrad: Kernels['adagrad'] = (count, w, v, g, scale, rate, epsilon, decay, decoupled) => {
    const gradient = seen(count, w, g, scale, decay, decoupled);
    const W = floats(w, count);
    const V = floats(v, count);
    for (let i = 0; i < count; i++) {
      V[i] = V[i]! + gradient[i]! ** 2;
      W[i] = W[i]! * (decoupled ? 1 - decay : 1) - (gradient[i] === 0 ? 0 : (rate * gradient[i]!) / (Math.sqrt(V[i]!) + epsilon));
    }
  };
  const momentum: Kernels['momentum'] = (count, w, m, g, scale, rate, factor, nesterov, decay, decoupled) => {
    const gradient = seen(count, w, g, scale, decay, decoupled);
    const W = floats(w, count);
    const M = floats(m, count);
    for (let i = 0; i < count; i++) {
      M[i] = factor * M[i]! + gradient[i]!;
      W[i] = W[i]! * (decoupled ? 1 - decay : 1) - rate * (nesterov ? gradient[i]! + factor * M[i]! : M[i]!);
    }
  };

  return {
    adamRow,
    adagrad,
    momentum,
    adamRowItems: (first, count, size, trained, slotOf, w, m, v, g, ...rest) =>
      eachItem({ first, count, size, slotOf, g }, (at, gradient, item) =>
        adamRow(size, trained, w + at, m + at, v + 4 * item, gradient, ...rest),
      ),
    adamRowOwed: (first, count, size, trained, made, last, steps, w, m, v) =>
      eachOwed({ first, count, size, made, last, steps }, (at, [rate, correction, beta1, beta2, epsilon, decay, decoupled], item) =>
        adamRow(size, trained, w + at, m + at, v + 4 * item, 0, 0, rate!, correction!, beta1!, beta2!, epsilon!, decay!, decoupled!),
      ),
    adagradItems: (first, count, size, slotOf, w, v, g, ...rest) =>
      eachItem({ first, count, size, slotOf, g }, (at, gradient) => adagrad(size, w + at, v + at, gradient, ...rest)),
    adagradOwed: (first, count, size, made, last, steps, w, v) =>
      eachOwed({ first, count, size, made, last, steps }, (at, [rate, epsilon, decay, decoupled]) =>
        adagrad(size, w + at, v + at, 0, 0, rate!, epsilon!, decay!, decoupled!),
      ),
    momentumItems: (first, count, size, slotOf, w, m, g, ...rest) =>
      eachItem({ first, count, size, slotOf, g }, (at, gradient) => momentum(size, w + at, m + at, gradient, ...rest)),
    momentumOwed: (first, count, size, made, last, steps, w, m) =>
      eachOwed({ first, count, size, made, last, steps }, (at, [rate, factor, nesterov, decay, decoupled]) =>
        momentum(size, w + at, m + at, 0, 0, rate!, factor!, nesterov!, decay!, decoupled!),
      ),
    scaleItems: (count, size, factors, w) => {
      const F = floats(factors, count);
      floats(w, count * size).forEach((value, at, weights) => {
        weights[at] = value * F[Math.floor(at / size)]!;
      });
    },
  };
};
