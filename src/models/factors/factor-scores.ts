import type { Kernels } from '../../tensor/kernels/kernels.js';
import { referenceKernels } from '../../tensor/kernels/reference.js';
import type { Pointer } from '../../tensor/memory/arena.js';
import { placeStruct } from '../../tensor/memory/struct.js';
import * as Form from '../../tensor/structs/form.js';
import type { Model } from '../port/definition.js';
import type { Engine } from '../port/engine.js';

/** Scores of the form mean + b_u + b_i + x_u·q_i. Rows have `k` numbers, a multiple of 4. */
export type FactorScores = {
  readonly k: number;
  readonly items: number;
  readonly mean: number;
  readonly itemRows: Pointer;
  readonly itemBias: Pointer | null;
  readonly userBias: Float32Array | null;
  /** Where the row x of a user lies, once `prepare` was called. */
  readonly userRow: (user: number) => Pointer;
};

/** Users whose rows are multiplied together. */
const TOGETHER = 64;

/** `scores` and `scoreAll` of a model, by the product of all rows; `prepare` turns the item rows, so that the product reads them in order. */
export const factorScores = (form: FactorScores, engine: Engine): Required<Pick<Model, 'prepare' | 'scores' | 'scoreAll'>> => {
  const { k, items, mean, itemRows, itemBias, userBias, userRow } = form;
  const { arena, allocate } = engine;
  const kernels = engine.kernels<Kernels>(referenceKernels);
  const turned = allocate(k * items);
  const [rows, out] = [allocate(TOGETHER * k), allocate(TOGETHER * items)];
  const products = arena.f32(out, TOGETHER * items);
  const shape = placeStruct(arena, Form, { aRow: k, aCol: 1, bRow: items, cRow: items });
  const item = arena.f32(itemRows, items * k);
  const bias = itemBias === null ? null : arena.f32(itemBias, items);
  const baseOf = (user: number): number => mean + (userBias === null ? 0 : userBias[user]!);
  return {
    prepare: () => kernels.transpose(items, k, itemRows, turned, items),
    scores: (user, list, scores) => {
      const own = arena.f32(userRow(user), k);
      for (let r = 0; r < list.length; r++) {
        const at = list[r]! * k;
        let sum = 0;
        for (let e = 0; e < k; e++) sum += own[e]! * item[at + e]!;
        scores[r] = baseOf(user) + sum + (bias === null ? 0 : bias[list[r]!]!);
      }
    },
    scoreAll: (users, scores) => {
      for (let first = 0; first < users.length; first += TOGETHER) {
        const some = users.subarray(first, first + TOGETHER);
        const mine = arena.f32(rows, some.length * k);
        for (let i = 0; i < some.length; i++) mine.set(arena.f32(userRow(some[i]!), k), i * k);
        kernels.gemm(some.length, items, k, rows, turned, out, itemBias ?? 0, shape);
        for (let i = 0; i < some.length; i++) {
          const base = baseOf(some[i]!);
          const row = (first + i) * items;
          for (let j = 0; j < items; j++) scores[row + j] = base + products[i * items + j]!;
        }
      }
    },
  };
};
