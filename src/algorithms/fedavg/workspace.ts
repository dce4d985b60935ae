import { instantiate } from '../../tensor/kernels/kernel-ring.js';
import { chooseImplementation } from '../../tensor/kernels/probe.js';
import { arenaFor } from '../../tensor/memory/arena.js';
import { createScratch } from '../../tensor/memory/scratch.js';
import { createStruct, write } from '../../tensor/memory/struct.js';
import type { LocalModel } from '../port/client.js';
import { rowOf } from '../port/rows.js';
import type { RatingKernels } from './kernels/rating-kernels.js';
import { ratingReference } from './kernels/rating-reference.js';
import * as Rated from './kernels/structs/rated.js';

/** d and f of the shared model. */
export type Sizes = { readonly d: number; readonly f: number };

/**
 * Kernel memory for the devices of a thread, one after the other. It holds the item rows that a device touches and its dense tensors, in the
 * layout of the rating kernels (kernels/rating-kernels.ts). It also holds the gradients of both, which are zero between devices.
 */
export type Workspace = {
  readonly kernels: RatingKernels;
  /** The model, as kernels take it (kernels/structs/rated.ts), after `load`. */
  readonly model: number;
  /** Elements of a padded item row, and where the private vector starts among the dense weights. */
  readonly width: number;
  readonly user: number;
  /** The rows and dense weights that were loaded last, as the kernels have them. */
  views(): { readonly items: Float32Array; readonly dense: Float32Array };
  /** Tensors of the model's shape, rows aligned with those loaded last, in the layout of `views` up to `user`. */
  arrange(tensors: readonly Float32Array[]): readonly Float32Array[];
  /** Takes up the model's rows of some items, ascending, its dense tensors and the user vector. */
  load(model: LocalModel, rows: Uint32Array, state: Float32Array): void;
  /** Room for a list of `count` ratings. */
  listRows(count: number): Listed<Uint32Array>;
  listValues(count: number): Listed<Float32Array>;
  /** now − before of the shared tensors, in their order, and the user vector as it is now, all in one piece of memory. */
  read(model: LocalModel, rows: Uint32Array): { readonly tensors: readonly Float32Array[]; readonly user: Float32Array };
};

type Listed<View> = { readonly pointer: number; readonly view: View };

const pad = (count: number): number => (count + 3) & ~3;

/** The model's rows of some items, into rows of `width` elements; what is beyond d stays zero. */
const loadRows = ({ rows, tensors }: LocalModel, wanted: Uint32Array, into: Float32Array, d: number, width: number): void => {
  const all = tensors[0]!;
  for (let index = 0; index < wanted.length; index++) {
    const [from, to] = [rowOf(rows, wanted[index]!) * d, index * width];
    for (let e = 0; e < d; e++) into[to + e] = all[from + e]!;
    for (let e = d; e < width; e++) into[to + e] = 0;
  }
};

/** What those rows have become, less what they were. */
const subtractRows = (
  { rows, tensors }: LocalModel,
  wanted: Uint32Array,
  now: Float32Array,
  d: number,
  width: number,
  out: Float32Array,
) => {
  const all = tensors[0]!;
  for (let index = 0; index < wanted.length; index++) {
    const [before, from, to] = [rowOf(rows, wanted[index]!) * d, index * width, index * d];
    for (let e = 0; e < d; e++) out[to + e] = now[from + e]! - all[before + e]!;
  }
};

/** w1 is (d, f) on the wire and (f, width) for the kernels. */
const loadTransposed = (w1: Float32Array, into: Float32Array, { d, f }: Sizes, width: number): void => {
  for (let q = 0; q < f; q++) for (let e = 0; e < d; e++) into[q * width + e] = w1[e * f + q]!;
};
const subtractTransposed = (w1: Float32Array, now: Float32Array, { d, f }: Sizes, width: number, out: Float32Array): void => {
  for (let e = 0; e < d; e++) for (let q = 0; q < f; q++) out[e * f + q] = now[q * width + e]! - w1[e * f + q]!;
};

const subtract = (before: Float32Array, now: Float32Array, out: Float32Array): void => {
  for (let i = 0; i < out.length; i++) out[i] = now[i]! - before[i]!;
};

export const createWorkspace = (sizes: Sizes): Workspace => {
  const { d, f } = sizes;
  const arena = arenaFor();
  const [width, units] = [pad(d), pad(f)];
  // One behind the other, as the rating kernels have them (b2 takes four).
  const b1 = units * width;
  const w2 = b1 + units;
  const b2 = w2 + units;
  const user = b2 + 4;
  const size = user + width;
  const dense = arena.allocate(size);
  const weights = arena.f32(dense, size);
  const model = createStruct(arena, Rated);
  write(model.view, Rated, { d: width, f: units, w: dense, g: arena.allocate(size), work: arena.allocate(2 * width + units) });
  const [items, itemGradients, listed, values] = [createScratch(arena), createScratch(arena), createScratch(arena), createScratch(arena)];

  let loaded = 0;

  /** The dense tensors of the shared model, in their order after the items'. */
  const loadDense = ([, w1, b1In, w2In, b2In]: readonly Float32Array[], into: Float32Array): void => {
    loadTransposed(w1!, into, sizes, width);
    into.set(b1In!, b1);
    into.set(w2In!, w2);
    into.set(b2In!, b2);
  };

  return {
    kernels: instantiate(chooseImplementation(), arena.memory, ratingReference),
    model: model.pointer,
    width,
    user,
    views: () => ({ items: arena.f32(items.pointer, loaded), dense: weights }),
    arrange: (tensors) => {
      const [rows, shared] = [new Float32Array(loaded), new Float32Array(user)];
      for (let index = 0; index * width < loaded; index++) rows.set(tensors[0]!.subarray(index * d, (index + 1) * d), index * width);
      loadDense(tensors, shared);
      return [rows, shared];
    },
    load: (local, rows, state) => {
      const count = rows.length * width;
      loaded = count;
      model.view[Rated.gItems] = itemGradients.reserve(count);
      model.view[Rated.items] = items.reserve(count);
      loadRows(local, rows, arena.f32(items.pointer, count), d, width);
      loadDense(local.tensors, weights);
      weights.set(state.subarray(0, d), user);
    },
    listRows: (count) => ({ pointer: listed.reserve(count), view: arena.u32(listed.pointer, count) }),
    listValues: (count) => ({ pointer: values.reserve(count), view: arena.f32(values.pointer, count) }),
    read: (local, rows) => {
      const out = new Float32Array(rows.length * d + d * f + 2 * f + 1 + d);
      let end = 0;
      const [low, w1, b1Out, w2Out, b2Out, userOut] = [rows.length * d, d * f, f, f, 1, d].map((count) => {
        const start = end;
        end += count;
        return out.subarray(start, end);
      }) as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
      subtractRows(local, rows, arena.f32(items.pointer, rows.length * width), d, width, low);
      subtractTransposed(local.tensors[1]!, weights, sizes, width, w1);
      subtract(local.tensors[2]!, weights.subarray(b1), b1Out);
      subtract(local.tensors[3]!, weights.subarray(w2), w2Out);
      subtract(local.tensors[4]!, weights.subarray(b2), b2Out);
      userOut.set(weights.subarray(user, user + d));
      return { tensors: [low, w1, b1Out, w2Out, b2Out], user: userOut };
    },
  };
};
