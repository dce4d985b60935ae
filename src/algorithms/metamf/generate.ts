import type { DeviceId } from '../../base/units.js';
import { gemmTasks } from '../../tensor/kernels/gemm-tasks.js';
import { createScratch, type Scratch } from '../../tensor/memory/scratch.js';
import { createStruct, type PlacedStruct } from '../../tensor/memory/struct.js';
import type { Deferral } from '../../tensor/optimizers/deferral.js';
import type { Rows } from '../port/client.js';
import { startsByItem } from '../port/rows.js';
import type { GeneratedModel } from '../port/server.js';
import { type Dropout, silence } from './dropout.js';
import type { ServerPool, ServerTask } from './kernels/server-kernels.js';
import * as List from './kernels/structs/row-list.js';
import { pairRoom } from './kernels/unit-room.js';
import type { ItemShard, Layout } from './layout.js';

/**
 * Forward of the meta network, for a cohort of C devices (eq. 1-5):
 *
 *   E (C, dᵤ) = U[cohort]   c (C, k) = E·M   h_x (C, o) = ReLU(c·W_x + b_x)   dense_x (C, outputs) = h_x·W + b
 *   items_low: all rows, or the requested ones, from h_item, shard by shard
 *
 * Dropout silences units of h_x, device by device, and multiplies the others by `gain`.
 * The scratch buffers keep what the backward pass needs, until the next `prepare`.
 */
export type Forward = {
  readonly deferral: Deferral;
  cohort: readonly DeviceId[];
  /** Dropout multiplied the units that are not silent by it. 1 without dropout. */
  gain: number;
  readonly embedded: Scratch;
  readonly collaborative: Scratch;
  /** By branch: h_x and the dense output. */
  readonly hidden: readonly Scratch[];
  readonly dense: readonly Scratch[];
  readonly shards: readonly ShardForward[];
  /** The outputs of the shards that the next models go to. */
  turn: 0 | 1;
};

type ShardForward = {
  readonly shard: ItemShard;
  readonly hidden: Scratch;
  readonly pairs: Scratch;
  readonly user: Scratch;
  readonly item: Scratch;
  readonly place: Scratch;
  /** The three lists, as the kernel takes them. `generate` overwrites them after it has waited for the models before. */
  readonly list: PlacedStruct;
  /** Used in turn: models are read while the next are generated. */
  readonly outs: readonly [Scratch, Scratch];
};

export const createForward = ({ core, branches, shards }: Layout, deferral: Deferral): Forward => ({
  deferral,
  cohort: [],
  gain: 1,
  embedded: createScratch(core),
  collaborative: createScratch(core),
  hidden: branches.map(() => createScratch(core)),
  dense: branches.map(() => createScratch(core)),
  shards: shards.map((shard) => {
    const scratch = () => createScratch(shard.arena);
    const lists = { user: scratch(), item: scratch(), place: scratch(), list: createStruct(shard.arena, List) };
    return { shard, hidden: scratch(), pairs: scratch(), ...lists, outs: [scratch(), scratch()] };
  }),
  turn: 0,
});

export const prepare = (pool: ServerPool, layout: Layout, forward: Forward, cohort: readonly DeviceId[], dropout: Dropout | null): void => {
  const { userEmbedding: du, collaborative: k } = layout.options;
  const { users, memoryMatrix, core, branches, products } = layout;
  const size = cohort.length;
  forward.cohort = cohort;
  forward.gain = dropout?.gain ?? 1;
  const embedded = core.f32(forward.embedded.reserve(size * du), size * du);
  const table = core.f32(users.weights, users.blocks * du);
  cohort.forEach((device, position) => {
    embedded.set(table.subarray(device * du, (device + 1) * du), position * du);
  });
  const c = forward.collaborative.reserve(size * k);
  pool.on(0).gemm(size, k, du, forward.embedded.pointer, memoryMatrix.weights, c, 0, products.collaborative);
  pool.run(
    branches.flatMap(({ hidden: { units, weights, bias }, products: { hidden } }, x) => {
      const h = forward.hidden[x]!.reserve(size * units);
      return gemmTasks(0, size, units, k, c, weights.weights, h, bias.weights, hidden);
    }),
  );
  // Here and not in the pool: for a usual cohort, waking its threads takes longer.
  branches.forEach(({ hidden: { units } }, x) => {
    pool.on(0).relu(size * units, forward.hidden[x]!.pointer);
  });
  if (dropout !== null) {
    branches.forEach(({ hidden: { units } }, x) => {
      silence(core.f32(forward.hidden[x]!.pointer, size * units), cohort, x, dropout);
    });
  }
  pool.run(
    branches.flatMap(({ hidden: { units }, generator: { outputs, weights, bias }, products: { dense } }, x) => {
      const out = forward.dense[x]!.reserve(size * outputs);
      const h = forward.hidden[x]!.pointer;
      return gemmTasks(0, size, outputs, units, h, weights.weights, out, bias.weights, dense);
    }),
  );
  const units = branches[0].hidden.units;
  const h = core.f32(forward.hidden[0]!.pointer, size * units);
  for (const { shard, hidden } of forward.shards) shard.arena.f32(hidden.reserve(size * units), size * units).set(h);
};

/** Items of a generation task: so few that any number of threads share the tasks evenly. */
const TASK_ITEMS = 64;

const beginAll = (pool: ServerPool, layout: Layout, forward: Forward, first: number, count: number): readonly Float32Array[][] => {
  const padded = layout.paddedRank;
  const units = layout.branches[0].hidden.units;
  pool.begin(
    forward.shards.map(({ shard, hidden, pairs }): ServerTask => {
      const h = hidden.pointer + 4 * first * units;
      return { kernel: 'pairUnits', memory: shard.memory, args: [count, units, padded, h, pairs.reserve(pairRoom(count, units))] };
    }),
  );
  forward.deferral.settle();
  pool.finish();
  const { turn } = forward;
  const tasks = forward.shards.flatMap(({ shard, hidden, pairs, outs }): ServerTask[] => {
    const stride = shard.items * padded;
    const target = outs[turn].reserve(count * stride);
    const h = hidden.pointer + 4 * first * units;
    return Array.from({ length: Math.ceil(shard.items / TASK_ITEMS) }, (_, i): ServerTask => {
      const start = i * TASK_ITEMS;
      const items = Math.min(TASK_ITEMS, shard.items - start);
      const args = [shard.generator, count, start, items, h, pairs.pointer, target, stride] as const;
      return { kernel: 'generateItems', memory: shard.memory, args };
    });
  });
  pool.begin(tasks);
  return Array.from({ length: count }, (_, position) =>
    forward.shards.map(({ shard, outs }) => {
      const stride = shard.items * padded;
      return shard.arena.f32(outs[turn].pointer + 4 * position * stride, stride);
    }),
  );
};

/** Rows of a model from one shard, one behind the other in the shard's output from row `start` on. */
type Run = { readonly index: number; readonly start: number; readonly length: number };

/** The requested rows, by item, so that a block of W_low comes into the cache once. Those of a shard lie between two of `bounds`. */
type Asked = {
  readonly users: Uint32Array;
  readonly items: Uint32Array;
  /** Rows of a shard's output, which is ordered by model. */
  readonly places: Uint32Array;
  readonly bounds: readonly number[];
  /** By model. Ascending rows fall into ascending shards. */
  readonly runs: readonly (readonly Run[])[];
};

const askShards = ({ world, shards }: Layout, first: number, rows: readonly Uint32Array[]): Asked => {
  const next = startsByItem(rows, 0, world.items);
  const count = next[world.items]!;
  const bounds = [...shards.map(({ firstItem }) => next[firstItem]!), count];
  const [users, items, places] = [new Uint32Array(count), new Uint32Array(count), new Uint32Array(count)];
  const taken = shards.map(() => 0);
  const runs = rows.map((wanted, position) => {
    const own: Run[] = [];
    let at = 0;
    shards.forEach(({ firstItem, items: size }, index) => {
      const [from, start] = [at, taken[index]!];
      for (; at < wanted.length && wanted[at]! < firstItem + size; at++) {
        const to = next[wanted[at]!]!++;
        users[to] = first + position;
        items[to] = wanted[at]! - firstItem;
        places[to] = start + at - from;
      }
      if (at > from) own.push({ index, start, length: at - from });
      taken[index]! += at - from;
    });
    return own;
  });
  return { users, items, places, bounds, runs };
};

const beginSome = (
  pool: ServerPool,
  layout: Layout,
  forward: Forward,
  first: number,
  rows: readonly Uint32Array[],
): readonly Float32Array[][] => {
  const padded = layout.paddedRank;
  const { bounds, runs, ...lists } = askShards(layout, first, rows);
  const { turn } = forward;
  const tasks = forward.shards.map(({ shard, hidden, user, item, place, list, outs }, index): ServerTask => {
    const [from, to] = [bounds[index]!, bounds[index + 1]!];
    const put = (scratch: Scratch, values: Uint32Array): number => {
      const pointer = scratch.reserve(to - from);
      shard.arena.u32(pointer, to - from).set(values.subarray(from, to));
      return pointer;
    };
    forward.deferral.catchUp(shard.weights, lists.items.subarray(from, to));
    list.view[List.count] = to - from;
    list.view[List.user] = put(user, lists.users);
    list.view[List.item] = put(item, lists.items);
    list.view[List.place] = put(place, lists.places);
    const out = outs[turn].reserve((to - from) * padded);
    return { kernel: 'generateRows', memory: shard.memory, args: [shard.generator, list.pointer, hidden.pointer, out] };
  });
  pool.begin(tasks);
  return runs.map((pieces) =>
    pieces.map(({ index, start, length }) => {
      const { shard, outs } = forward.shards[index]!;
      return shard.arena.f32(outs[turn].pointer + 4 * start * padded, length * padded);
    }),
  );
};

/** Drops the lanes that pad s to a multiple of 4. */
const unpad = (piece: Float32Array, s: number, padded: number): Float32Array => {
  if (s === padded) return piece;
  const out = new Float32Array((piece.length / padded) * s);
  for (let row = 0; row * padded < piece.length; row++) out.set(piece.subarray(row * padded, row * padded + s), row * s);
  return out;
};

/** Φ_u of positions first … first + rows.length − 1 of the prepared cohort. All ask for every item, or each for its rows (ServerHalf). */
export const generate = (
  pool: ServerPool,
  layout: Layout,
  forward: Forward,
  first: number,
  rows: readonly Rows[],
): (() => readonly GeneratedModel[]) => {
  const { lowRank: s, itemEmbedding: d, units: f } = layout.options;
  const some = rows.filter((wanted) => wanted !== null);
  if (some.length > 0 && some.length < rows.length) throw new Error('a chunk asks for every item, or each device for its rows: not both');
  // Threads may still generate models that no caller waited for, from lists that are overwritten here.
  pool.finish();
  forward.turn = forward.turn === 0 ? 1 : 0;
  const low = some.length > 0 ? beginSome(pool, layout, forward, first, some) : beginAll(pool, layout, forward, first, rows.length);
  const widths = layout.branches.map(({ generator }) => generator.outputs);
  const modelOf = (pieces: readonly Float32Array[], position: number): GeneratedModel => {
    const [rise, layer1, layer2] = widths.map((width, x) =>
      layout.core.f32(forward.dense[x]!.pointer + 4 * (first + position) * width, width),
    );
    return [
      pieces.map((piece) => unpad(piece, s, layout.paddedRank)),
      [rise!],
      [layer1!.subarray(0, d * f)],
      [layer1!.subarray(d * f)],
      [layer2!.subarray(0, f)],
      [layer2!.subarray(f)],
    ];
  };
  return () => {
    pool.finish();
    return low.map(modelOf);
  };
};
