import { placeForm } from '../../tensor/kernels/gemm-tasks.js';
import type { Kernels } from '../../tensor/kernels/kernels.js';
import type { Pointer } from '../../tensor/memory/arena.js';
import type { Engine } from '../port/engine.js';
import type { ModelTensor } from '../port/tensors.js';

/** One layer y = max(x W + b, 0) with room for its batches. W is (inputs, outputs). */
export type DenseLayer = {
  readonly tensors: readonly ModelTensor[];
  /** (rows, outputs), and its gradient, which the layer above fills. */
  readonly output: Pointer;
  readonly slopes: Pointer;
  forward(count: number, x: Pointer): void;
  /** From `slopes`: the gradients of W and b, and dx (count, inputs). */
  backward(count: number, x: Pointer, dx: Pointer): void;
  /** Adam on W and b. */
  step(hyper: Pointer): void;
};

type Shape = { readonly name: string; readonly rows: number; readonly inputs: number; readonly outputs: number };

/** W starts as N(0, 2 / inputs) (He et al., 2015). */
export const createDenseLayer = (engine: Engine, kernels: Kernels, { name, rows, inputs, outputs }: Shape): DenseLayer => {
  const { arena, allocate, tensor } = engine;
  const state = ['moment', 'variance'];
  const deviation = Math.sqrt(2 / inputs);
  const initial = (source: { normal(): number }, values: Float32Array): void => {
    for (let i = 0; i < values.length; i++) values[i] = deviation * source.normal();
  };
  const weights = tensor({ name: `${name}.weights`, shape: [inputs, outputs], initial, state });
  const bias = tensor({ name: `${name}.bias`, shape: [outputs], state });
  const [output, slopes, transposed] = [allocate(rows * outputs), allocate(rows * outputs), allocate(inputs * outputs)];
  const gradients = [
    { of: weights, count: inputs * outputs, at: allocate(inputs * outputs) },
    { of: bias, count: outputs, at: allocate(outputs) },
  ] as const;
  const [forwards, forWeights, forInputs] = [
    placeForm(arena, [inputs, 1], outputs, outputs),
    placeForm(arena, [1, inputs], outputs, outputs),
    placeForm(arena, [outputs, 1], inputs, inputs),
  ];
  return {
    tensors: [weights, bias],
    output,
    slopes,
    forward: (count, x) => {
      kernels.gemm(count, outputs, inputs, x, weights.pointer, output, bias.pointer, forwards);
      kernels.relu(count * outputs, output);
    },
    backward: (count, x, dx) => {
      kernels.reluBackward(count * outputs, output, slopes);
      kernels.gemm(inputs, outputs, count, x, slopes, gradients[0].at, 0, forWeights);
      kernels.zero(outputs, gradients[1].at);
      kernels.addRows(count, outputs, slopes, gradients[1].at);
      kernels.transpose(inputs, outputs, weights.pointer, transposed, inputs);
      kernels.gemm(count, inputs, outputs, slopes, transposed, dx, 0, forInputs);
    },
    step: (hyper) => {
      for (const { of, count, at } of gradients) kernels.adam(count, of.pointer, of.state[0]!.pointer, of.state[1]!.pointer, at, hyper);
    },
  };
};
