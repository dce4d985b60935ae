import type { Kernels } from './kernels.js';

type ActivationKernels = Pick<Kernels, 'sigmoid' | 'sigmoidBackward' | 'tanh' | 'tanhBackward'>;

/** Reference of the smooth activations and their backward passes (kernels.ts is the specification). */
export const activationReference = (memory: WebAssembly.Memory): ActivationKernels => {
  const floats = (pointer: number, count: number) => new Float32Array(memory.buffer, pointer, count);
  const map =
    (activate: (x: number) => number) =>
    (count: number, x: number): void => {
      const X = floats(x, count);
      for (let i = 0; i < count; i++) X[i] = activate(X[i]!);
    };
  const backward =
    (slope: (y: number) => number) =>
    (count: number, y: number, dy: number): void => {
      const Y = floats(y, count),
        dY = floats(dy, count);
      for (let i = 0; i < count; i++) dY[i]! *= slope(Y[i]!);
    };
  return {
    sigmoid: map((x) => 1 / (1 + Math.exp(-x))),
    sigmoidBackward: backward((y) => y * (1 - y)),
    tanh: map(Math.tanh),
    tanhBackward: backward((y) => 1 - y * y),
  };
};
