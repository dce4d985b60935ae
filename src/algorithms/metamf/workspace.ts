import { createSlabs } from '../../base/slabs.js';
import { instantiate } from '../../tensor/kernels/kernel-ring.js';
import { chooseImplementation } from '../../tensor/kernels/probe.js';
import { type Arena, arenaFor } from '../../tensor/memory/arena.js';
import { createScratch } from '../../tensor/memory/scratch.js';
import { createStruct, write } from '../../tensor/memory/struct.js';
import type { LocalModel } from '../port/client.js';
import { distinctRows, rowOf } from '../port/rows.js';
import type { FactoredKernels } from './kernels/factored-kernels.js';
import { factoredReference } from './kernels/factored-reference.js';
import * as Factored from './kernels/structs/factored.js';

/** s, d and f of the model, by the paper's letters. `offset` 1: a row's first number is also an offset of its item. */
export type Sizes = { readonly s: number; readonly d: number; readonly f: number; readonly offset: 0 | 1 };

/**
 * Kernel memory in which the devices of a thread compute, one after another.
 * It holds the dense tensors of the device's model, the item rows that it touches, its ratings, and the gradient.
 * Their layout is that of the kernels of generated models (kernels/factored-kernels.ts).
 */
export type Workspace = {
  readonly kernels: FactoredKernels;
  /** The model, as kernels take it (kernels/structs/factored.ts). */
  readonly model: number;
  /** Pointers, valid after `load`. */
  readonly row: number;
  readonly value: number;
  readonly gradient: number;
  /** Copies the dense tensors of a model and its rows of `items`, and lists which row each item has. Returns the distinct items, ascending. */
  load(model: LocalModel, items: Uint32Array): Uint32Array;
  /** The ratings of these items. */
  loadValues(values: Float32Array): void;
  /** The predictions of predictFactored, which wrote them over the values. */
  predictions(count: number): Float32Array;
  /** The gradients of all tensors that backwardFactored wrote, one behind the other in one piece of memory. */
  gradients(rows: number): Float32Array[];
};

type Floats = Float32Array | Float64Array;

const even = (count: number): number => (count + 1) & ~1;

/** Element by element: a call of TypedArray.set costs more than a few elements. */
const copy = (from: Floats, start: number, into: Floats, to: number, width: number): void => {
  for (let i = 0; i < width; i++) into[to + i] = from[start + i]!;
};

/** Copies all tensors of a model but its item rows, in the order of kernels/structs/factored.ts. */
const loadDense = (weights: Float64Array, { s, d, f }: Sizes, [, rise, w1, b1, w2, b2]: LocalModel['tensors']): void => {
  const units = even(f);
  copy(rise!, 0, weights, 0, s * d);
  let at = s * d;
  for (let e = 0; e < d; e++, at += units) copy(w1!, e * f, weights, at, f);
  copy(b1!, 0, weights, at, f);
  copy(w2!, 0, weights, at + units, f);
  weights[at + 2 * units] = b2![0]!;
};

/** Copies the gradients of all tensors from `pointer`, without the numbers that pad their rows. `room` gives memory for them. */
const readGradients = (arena: Arena, pointer: number, { s, d, f }: Sizes, rows: number, room: (count: number) => Float32Array) => {
  const [rank, wide, units] = [even(s), even(d), even(f)];
  const shapes = [
    [rows, s, rank],
    [s, d, wide],
    [d, f, units],
    [1, f, units],
    [1, f, units],
    [1, 1, 1],
  ] as const;
  const out = room(shapes.reduce((sum, [count, width]) => sum + count * width, 0));
  let end = 0;
  let at = pointer;
  return shapes.map(([count, width, stride]) => {
    const tensor = out.subarray(end, end + count * width);
    end += count * width;
    const found = arena.f32(at, count * stride);
    at += 4 * count * stride;
    if (width === stride) tensor.set(found);
    else for (let index = 0; index < count; index++) copy(found, index * stride, tensor, index * width, width);
    return tensor;
  });
};

/** For models of at most `items` rows. */
export const createWorkspace = (sizes: Sizes, items: number): Workspace => {
  const { s, d, f, offset } = sizes;
  const arena = arenaFor();
  const [rank, wide, units] = [even(s), even(d), even(f)];
  const doubles = (count: number) => arena.allocate(2 * count);
  const denseSize = s * d + (d + 2) * units + 1;
  const dense = doubles(denseSize);
  const weights = arena.f64(dense, denseSize);
  const work = doubles((2 * s + 4) * units + f * rank + f * wide);
  const model = createStruct(arena, Factored);
  write(model.view, Factored, { s, d, f, offset, dense, work });
  const [row, value, low, gradient] = [createScratch(arena), createScratch(arena), createScratch(arena), createScratch(arena)];

  /** The row of each distinct item of the last load. A search for each rating would cost as much as its gradient. */
  const position = new Uint32Array(items);
  const room = createSlabs();

  return {
    kernels: instantiate(chooseImplementation(), arena.memory, factoredReference),
    model: model.pointer,
    get row() {
      return row.pointer;
    },
    get value() {
      return value.pointer;
    },
    get gradient() {
      return gradient.pointer;
    },
    load: ({ rows: present, tensors }, rated) => {
      loadDense(weights, sizes, tensors);
      const rows = distinctRows(rated);
      const into = arena.f64(low.reserve(2 * rows.length * rank), rows.length * rank);
      model.view[Factored.low] = low.pointer;
      for (let index = 0; index < rows.length; index++) {
        const item = rows[index]!;
        position[item] = index;
        copy(tensors[0]!, rowOf(present, item) * s, into, index * rank, s);
        if (rank > s) into[index * rank + s] = 0;
      }
      const list = arena.u32(row.reserve(rated.length), rated.length);
      // An item that does not exist has a row, too, without numbers.
      for (let r = 0; r < rated.length; r++) list[r] = position[rated[r]!] ?? rowOf(rows, rated[r]!);
      value.reserve(rated.length);
      gradient.reserve(rows.length * rank + s * wide + (d + 2) * units + 1);
      return rows;
    },
    loadValues: (values) => copy(values, 0, arena.f32(value.pointer, values.length), 0, values.length),
    predictions: (count) => arena.f32(value.pointer, count).slice(),
    gradients: (rows) => readGradients(arena, gradient.pointer, sizes, rows, room),
  };
};
