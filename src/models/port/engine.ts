import { type Random, random } from '../../base/random.js';
import type { Ratings } from '../../data/dataset.js';
import { instantiate, type Reference } from '../../tensor/kernels/kernel-ring.js';
import type { KernelSet } from '../../tensor/kernels/kernels.js';
import { chooseImplementation, type Implementation } from '../../tensor/kernels/probe.js';
import { type Arena, createArena, type Pointer } from '../../tensor/memory/arena.js';
import { loadTensorflow, type Tensorflow } from '../../tensor/tfjs.js';
import { createNegatives, type DrawNegative } from './negatives.js';
import { byItem, type Ordered } from './orders.js';
import { createTensor, type ModelTensor, type NewModelTensor } from './tensors.js';

/** The engine's services for a model. */
export type Engine = {
  readonly seed: number;
  /** Threads that the run may use. Results must not depend on it. */
  readonly threads: number;
  /** Epochs that the run plans. */
  readonly epochs: number;
  /** A random stream for each list of keys, the same on every machine. */
  random(...keys: readonly (string | number)[]): Random;
  /** A tensor that checkpoints and digests read, filled from the stream (seed, 'initialize', name). */
  tensor(spec: NewModelTensor): ModelTensor;
  /** Room for `count` 4-byte elements in the kernel memory, zeroed, never saved. */
  allocate(count: number): Pointer;
  readonly arena: Arena;
  readonly implementation: Implementation;
  /** Kernels on the arena's memory: those of the SIMD build, or this reference where SIMD is missing. */
  kernels<All extends KernelSet>(reference: Reference<All>): All;
  /** Training ratings in the kernel memory, sorted by user, and by item. Copied at the first call. */
  byUser(): Ordered;
  byItem(): Ordered;
  /** Draws an item that a user has not rated in training, all of them equally likely. */
  negatives(): DrawNegative;
  /** tfjs, on the fastest backend that loads. Its bits are those of the backend. */
  tensorflow(): Promise<Tensorflow>;
};

export type EngineOptions = {
  readonly seed: number;
  readonly threads: number;
  readonly epochs: number;
  readonly items: number;
  readonly train: Ratings;
  /** Default: SIMD where the machine has it. */
  readonly implementation?: Implementation;
};

/** Copies columns into the kernel memory, where kernels find them by pointer. */
const place = (arena: Arena, { offsets, items, values }: Ratings): Ordered => {
  const pointers = { offsets: arena.allocate(offsets.length), ids: arena.allocate(items.length), values: arena.allocate(values.length) };
  const views = {
    offsets: arena.u32(pointers.offsets, offsets.length),
    ids: arena.u32(pointers.ids, items.length),
    values: arena.f32(pointers.values, values.length),
  };
  views.offsets.set(offsets);
  views.ids.set(items);
  views.values.set(values);
  return { ...views, pointers };
};

export const createEngine = ({ seed, threads, epochs, items, train, ...options }: EngineOptions): Engine => {
  const arena = createArena();
  const implementation = chooseImplementation(options.implementation);
  let users: Ordered | undefined;
  let columns: Ordered | undefined;
  let draw: DrawNegative | undefined;
  return {
    seed,
    threads,
    epochs,
    random: (...keys) => random(seed, ...keys),
    tensor: (spec) => createTensor(arena, seed, spec),
    allocate: (count) => arena.allocate(count),
    arena,
    implementation,
    kernels: (reference) => instantiate(implementation, arena.memory, reference),
    byUser: () => (users ??= place(arena, train)),
    byItem: () => (columns ??= place(arena, byItem(train, items))),
    negatives: () => (draw ??= createNegatives(train, items)),
    tensorflow: async () => (await loadTensorflow()).tf,
  };
};
