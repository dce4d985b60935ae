import { type Random, random } from '../../base/random.js';
import type { Arena } from '../../tensor/memory/arena.js';

/** A float32 tensor in memory that kernels, checkpoints and digests read. */
export type ModelTensor = {
  readonly name: string;
  readonly shape: readonly number[];
  /** Bytes from the start of the kernel memory (engine.arena), as kernels take it. */
  readonly pointer: number;
  readonly values: Float32Array<SharedArrayBuffer>;
  /** Training needs them, scores do not: moments of an optimizer, for example. A digest leaves them out, and best.checkpoint, too. */
  readonly state: readonly ModelTensor[];
};

/** `initial` fills the values, which are zero before. `state`: names of tensors of the same shape that are kept with it. */
export type NewModelTensor = {
  readonly name: string;
  readonly shape: readonly number[];
  initial?(source: Random, values: Float32Array): void;
  readonly state?: readonly string[];
};

export const createTensor = (arena: Arena, seed: number, { name, shape, initial, state = [] }: NewModelTensor): ModelTensor => {
  const count = shape.reduce((product, size) => product * size, 1);
  const place = (): Pick<ModelTensor, 'pointer' | 'values' | 'shape'> => {
    const pointer = arena.allocate(count);
    return { pointer, values: arena.f32(pointer, count), shape };
  };
  const placed = place();
  initial?.(random(seed, 'initialize', name), placed.values);
  return { name, ...placed, state: state.map((kept) => ({ name: kept, ...place(), state: [] })) };
};
