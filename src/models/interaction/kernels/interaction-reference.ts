import type { Kernels } from '../../../tensor/kernels/kernels.js';
import { referenceKernels } from '../../../tensor/kernels/reference.js';
import { readAt } from '../../../tensor/memory/struct.js';
import type { InteractionKernels } from './interaction-kernels.js';
import * as Pairs from './structs/pairs.js';
import * as RowState from './structs/row-state.js';

/** The reference of the interaction kernels (interaction-kernels.ts is the specification). */
export const interactionReference = (memory: WebAssembly.Memory): InteractionKernels => {
  const { adam } = referenceKernels(memory);
  const floats = (pointer: number, count: number) => new Float32Array(memory.buffer, pointer, count);

  /** Views of each pair in turn. */
  const visit = (job: number, count: number, each: (pair: ReturnType<typeof pairAt>) => void): void => {
    const fields = readAt(memory, job, Pairs);
    for (let r = 0; r < count; r++) each(pairAt(fields, r));
  };
  const pairAt = (job: ReturnType<typeof readAt<typeof Pairs>>, r: number) => {
    const { width: d, last: f } = job;
    const size = 2 * d + 4;
    const [user, item] = [job.users, job.items].map((ids) => new Uint32Array(memory.buffer, ids + 4 * r, 1)[0]!) as [number, number];
    const at = (pointer: number, row: number, length: number) => floats(pointer + 4 * row * length, length);
    return {
      ...{ r, d, f },
      user: at(job.userRows, user, size),
      item: at(job.itemRows, item, size),
      userSlopes: () => at(job.userSlopes, user, size),
      itemSlopes: () => at(job.itemSlopes, item, size),
      product: at(job.product, r, d),
      joined: at(job.joined, r, 2 * d),
      joinedSlopes: () => at(job.joinedSlopes, r, 2 * d),
      hidden: at(job.hidden, r, f),
      hiddenSlopes: () => at(job.hiddenSlopes, r, f),
      output: floats(job.output, d + f + 4),
      outputSlopes: () => floats(job.outputSlopes, d + f + 4),
    };
  };

  return {
    gatherPairs(job, count) {
      visit(job, count, ({ d, user, item, product, joined }) => {
        product.set(user.subarray(0, d).map((p, e) => p * item[e]!));
        joined.set(user.subarray(d, 2 * d));
        joined.set(item.subarray(d, 2 * d), d);
      });
    },

    outputPairs(job, count, out) {
      visit(job, count, ({ r, d, f, user, item, product, hidden, output }) => {
        let sum = output[d + f]! + user[2 * d]! + item[2 * d]!;
        product.forEach((x, e) => (sum += output[e]! * x));
        hidden.forEach((x, e) => (sum += output[d + e]! * x));
        floats(out, count)[r] = sum;
      });
    },

    outputPairsBackward(job, count, errors) {
      visit(job, count, ({ r, d, f, product, hidden, output, outputSlopes, hiddenSlopes }) => {
        const error = floats(errors, count)[r]!;
        const [slopes, into] = [outputSlopes(), hiddenSlopes()];
        product.forEach((x, e) => (slopes[e]! += error * x));
        hidden.forEach((x, e) => {
          slopes[d + e]! += error * x;
          into[e] = error * output[d + e]!;
        });
        slopes[d + f]! += error;
      });
    },

    scatterPairs(job, count, errors) {
      visit(job, count, ({ r, d, user, item, output, userSlopes, itemSlopes, joinedSlopes }) => {
        const error = floats(errors, count)[r]!;
        const [du, di, dj] = [userSlopes(), itemSlopes(), joinedSlopes()];
        for (let e = 0; e < d; e++) {
          du[e]! += error * output[e]! * item[e]!;
          di[e]! += error * output[e]! * user[e]!;
          du[d + e]! += dj[e]!;
          di[d + e]! += dj[d + e]!;
        }
        du[2 * d]! += error;
        di[2 * d]! += error;
      });
    },

    stepRows(count, ids, size, state, hyper) {
      const { weights, moment, variance, slopes } = readAt(memory, state, RowState);
      for (const id of new Uint32Array(memory.buffer, ids, count)) {
        const at = 4 * id * size;
        adam(size, weights + at, moment + at, variance + at, slopes + at, hyper);
        floats(slopes + at, size).fill(0);
      }
    },
  };
};

/** What interaction networks call: the kernels of all, and their own. */
export const interactionKernels = (memory: WebAssembly.Memory): Kernels & InteractionKernels => ({
  ...referenceKernels(memory),
  ...interactionReference(memory),
});
