import type { Random } from '../../base/random.js';
import type { Pointer } from '../../tensor/memory/arena.js';
import { placeStruct } from '../../tensor/memory/struct.js';
import type { Engine } from '../port/engine.js';
import type { ModelTensor } from '../port/tensors.js';
import type { InteractionKernels } from './kernels/interaction-kernels.js';
import * as RowState from './kernels/structs/row-state.js';

/** An embedding table whose rows are stepped row-lazily: a step costs what its batch touched, and no other row decays or moves. */
export type LazyRows = {
  readonly tensor: ModelTensor;
  /** The gradients, (rows, size), which are zero between steps. */
  readonly slopes: Pointer;
  /** Adam on the rows that `ids` names, each of them once. */
  step(ids: Uint32Array, hyper: Pointer): void;
};

type Shape = { readonly name: string; readonly rows: number; readonly size: number; readonly most: number };

/** `most`: ids in one step. `initial` fills the weights. */
export const createLazyRows = (
  { arena, allocate, tensor: createTensor }: Engine,
  kernels: Pick<InteractionKernels, 'stepRows'>,
  { name, rows, size, most }: Shape,
  initial: (source: Random, values: Float32Array) => void,
): LazyRows => {
  const tensor = createTensor({ name, shape: [rows, size], initial, state: ['moment', 'variance'] });
  const [slopes, list] = [allocate(rows * size), allocate(Math.min(most, rows))];
  const [moment, variance] = tensor.state.map(({ pointer }) => pointer) as [Pointer, Pointer];
  const state = placeStruct(arena, RowState, { weights: tensor.pointer, moment, variance, slopes });
  /** The last step that touched each row. */
  const touched = new Uint32Array(rows);
  let steps = 0;
  return {
    tensor,
    slopes,
    step: (ids, hyper) => {
      steps += 1;
      const distinct = arena.u32(list, Math.min(most, rows));
      let count = 0;
      for (const id of ids) {
        if (touched[id] === steps) continue;
        touched[id] = steps;
        distinct[count++] = id;
      }
      kernels.stepRows(count, list, size, state, hyper);
    },
  };
};
