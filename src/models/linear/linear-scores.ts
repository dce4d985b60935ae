import type { Kernels } from '../../tensor/kernels/kernels.js';
import { referenceKernels } from '../../tensor/kernels/reference.js';
import type { Facts, Model } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import type { ModelTensor } from '../port/tensors.js';

/** Scores of a linear model: x_u·B for B (n, n), the sum of the rows of the user's training items. */
export const linearScores = (
  { items: n, train: { offsets, items } }: Facts,
  { values: B, pointer }: ModelTensor,
  engine: Engine,
): Pick<Model, 'scores' | 'scoreAll'> => {
  const kernels = engine.kernels<Kernels>(referenceKernels);
  const sum = engine.allocate(n);
  const sums = engine.arena.f32(sum, n);
  return {
    scores: (user, list, out) => {
      for (let r = 0; r < list.length; r++) {
        let score = 0;
        for (let row = offsets[user]!; row < offsets[user + 1]!; row++) score += B[items[row]! * n + list[r]!]!;
        out[r] = score;
      }
    },
    scoreAll: (users, out) => {
      for (let i = 0; i < users.length; i++) {
        sums.fill(0);
        for (let row = offsets[users[i]!]!; row < offsets[users[i]! + 1]!; row++) kernels.axpy(n, 1, pointer + 4 * n * items[row]!, sum);
        out.set(sums, i * n);
      }
    },
  };
};
