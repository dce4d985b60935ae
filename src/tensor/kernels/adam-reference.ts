import type { Kernels } from './kernels.js';
import { createRowPasses, hyperAt } from './row-passes.js';

type AdamKernels = Pick<
  Kernels,
  'adam' | 'adamItems' | 'adamPending' | 'adamTensor' | 'adamTensorItems' | 'adamRow' | 'adamRowItems' | 'adamRowPending'
>;

/** As in assembly/fading.ts. */
const LEAST_GRADIENT = 2 ** -56,
  LEAST_MOMENT = 2 ** -100;

/** Reference of Adam's kernels: their definition (kernels.ts is the specification). */
export const adamReference = (memory: WebAssembly.Memory): AdamKernels => {
  const floats = (pointer: number, count: number) => new Float32Array(memory.buffer, pointer, count);
  const { eachItem, eachPending } = createRowPasses(memory);

  const adam: Kernels['adam'] = (count, w, m, v, g, hyper) => {
    const { scale, rate, correction, beta1, beta2, epsilon, decay, decoupled } = hyperAt(memory, hyper);
    const W = floats(w, count),
      M = floats(m, count),
      V = floats(v, count),
      G = floats(g, g === 0 ? 0 : count);
    for (let i = 0; i < count; i++) {
      const weight = decoupled ? W[i]! - decay * W[i]! : W[i]!;
      const gradient = (g === 0 ? 0 : scale * G[i]!) + (decoupled ? 0 : decay * W[i]!);
      const first = beta1 * M[i]! + (1 - beta1) * gradient;
      M[i] = g === 0 && Math.abs(first) < LEAST_MOMENT ? 0 : first;
      V[i] = beta2 * V[i]! + (1 - beta2) * (g === 0 ? Math.max(Math.abs(gradient), LEAST_GRADIENT) : gradient) ** 2;
      W[i] = weight - (rate * M[i]!) / (Math.sqrt(V[i]!) * correction + epsilon);
    }
  };
  const tensorStep = (count: number, w: number, m: number, g: number, hyper: number, rate: number): number => {
    const { scale, beta1, decay, decoupled } = hyperAt(memory, hyper);
    const W = floats(w, count),
      M = floats(m, count),
      G = floats(g, g === 0 ? 0 : count);
    for (let i = 0; i < count; i++) {
      const weight = decoupled ? W[i]! - decay * W[i]! : W[i]!;
      const gradient = (g === 0 ? 0 : scale * G[i]!) + (decoupled ? 0 : decay * W[i]!);
      M[i] = beta1 * M[i]! + (1 - beta1) * gradient;
      W[i] = weight - rate * M[i]!;
    }
    return W.reduce((sum, weight) => sum + weight * weight, 0);
  };
  const adamTensor: Kernels['adamTensor'] = (count, w, m, g, hyper) => tensorStep(count, w, m, g, hyper, hyperAt(memory, hyper).rate);
  const adamRow: Kernels['adamRow'] = (count, trained, w, m, v, g, hyper) => {
    const { scale, rate, correction, beta2, epsilon, decay, decoupled } = hyperAt(memory, hyper);
    const [W, G, V] = [floats(w, count), floats(g, g === 0 ? 0 : count), floats(v, 1)];
    let squares = 0;
    for (let i = 0; i < count; i++) squares += ((g === 0 ? 0 : scale * G[i]!) + (decoupled ? 0 : decay * W[i]!)) ** 2;
    V[0] = beta2 * V[0]! + ((1 - beta2) * squares) / trained;
    tensorStep(count, w, m, g, hyper, rate / (Math.sqrt(V[0]!) * correction + epsilon));
  };

  return {
    adam,
    adamItems: (rows, first, count, g, hyper) =>
      eachItem(rows, first, count, g, ({ size, w, m, v }, gradient) => adam(size, w, m, v, gradient, hyper)),
    adamPending: (rows, first, count, last) =>
      eachPending(rows, first, count, last, ({ size, w, m, v }, hyper) => adam(size, w, m, v, 0, hyper)),
    adamTensor,
    adamTensorItems: (rows, first, count, g, hyper) => {
      let sum = 0;
      eachItem(rows, first, count, g, ({ size, w, m }, gradient) => {
        sum += adamTensor(size, w, m, gradient, hyper);
      });
      return sum;
    },
    adamRow,
    adamRowItems: (rows, first, count, g, hyper) =>
      eachItem(rows, first, count, g, ({ size, trained, w, m, rowVariance }, gradient) =>
        adamRow(size, trained, w, m, rowVariance, gradient, hyper),
      ),
    adamRowPending: (rows, first, count, last) =>
      eachPending(rows, first, count, last, ({ size, trained, w, m, rowVariance }, hyper) =>
        adamRow(size, trained, w, m, rowVariance, 0, hyper),
      ),
  };
};
