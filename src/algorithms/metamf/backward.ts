import { gemmTasks } from '../../tensor/kernels/gemm-tasks.js';
import { claimSlot, reserveSlots } from '../../tensor/memory/parameter.js';
import { createScratch, type Scratch } from '../../tensor/memory/scratch.js';
import { createStruct, type PlacedStruct } from '../../tensor/memory/struct.js';
import type { Deferral } from '../../tensor/optimizers/deferral.js';
import { lowerBound, startsByItem } from '../port/rows.js';
import type { ClientUpdate } from '../port/server.js';
import type { Forward } from './generate.js';
import type { ServerKernels, ServerPool, ServerTask } from './kernels/server-kernels.js';
import * as List from './kernels/structs/row-list.js';
import { unitRoom } from './kernels/unit-room.js';
import type { ItemShard, Layout } from './layout.js';
import { strideOf } from './products.js';

/**
 * Backward of the meta network, from a cohort's ∂loss/∂Φ_u to the gradient of Θ. Rows of devices that sent no update are zero.
 *
 *   rows of items_low:  dW_low[i] += h_item[u] ⊗ d,  db_low[i] += d,  dh_item[u] += W_low[i]·d      (each shard for itself)
 *   dense_x:            dW = h_xᵀ·d,  db = Σ_u d,  dh_x += d·Wᵀ                                      (x = item, layer1, layer2)
 *   h_x:                dz = gain·dh_x where h_x > 0 (gain: 1 without dropout);  dW_x = cᵀ·dz,  db_x = Σ_u dz,  dc += dz·W_xᵀ
 *   c:                  dM = Eᵀ·dc,  dE = dc·Mᵀ, which are the touched rows of U
 *
 * Sums run over items and devices in order of their ids, and over shards in theirs: the bits do not depend on threads.
 */
export type Backward = {
  readonly deferral: Deferral;
  readonly dense: readonly Scratch[];
  readonly hidden: readonly Scratch[];
  readonly collaborative: Scratch;
  readonly transposed: Transposed;
  readonly staging: Scratch;
  readonly shards: readonly ShardBackward[];
};

/** Weights as the backward passes need them: generators (outputs, o), hidden layers (o, k), M (k, dᵤ). `strideOf` gives their strides. */
type Transposed = { readonly generators: readonly Scratch[]; readonly hidden: readonly Scratch[]; readonly memoryMatrix: Scratch };

type ShardBackward = {
  readonly shard: ItemShard;
  readonly user: Scratch;
  readonly item: Scratch;
  readonly slot: Scratch;
  readonly upstream: Scratch;
  /** The four lists, as the kernel takes them. The next `accumulate` overwrites them, and this one waits for the kernel. */
  readonly list: PlacedStruct;
  /** This shard's share of dh_item (C, o). */
  readonly hidden: Scratch;
  readonly units: Scratch;
  /** Positions of the cohort that have rows here. The share of the others is zero. */
  present: readonly number[];
};

export const createBackward = ({ core, branches, shards }: Layout, deferral: Deferral): Backward => {
  const scratch = () => createScratch(core);
  return {
    deferral,
    dense: branches.map(scratch),
    hidden: branches.map(scratch),
    collaborative: scratch(),
    transposed: { generators: branches.map(scratch), hidden: branches.map(scratch), memoryMatrix: scratch() },
    staging: scratch(),
    shards: shards.map((shard) => {
      const local = () => createScratch(shard.arena);
      const lists = { user: local(), item: local(), slot: local(), upstream: local(), list: createStruct(shard.arena, List) };
      return { shard, ...lists, hidden: local(), units: local(), present: [] };
    }),
  };
};

type Placed = { readonly position: number; readonly update: ClientUpdate };

type Span = Placed & { readonly start: number; readonly end: number };

/** The rows of each update that fall into a shard. */
const spansOf = ({ firstItem, items }: ItemShard, updates: readonly Placed[]): Span[] =>
  updates.map(({ position, update }) => ({
    position,
    update,
    start: lowerBound(update.rows, firstItem),
    end: lowerBound(update.rows, firstItem + items),
  }));

/**
 * Where each item's rows start in the list, items ascending. Each item with rows gets a gradient slot.
 * Rows of one item stand together, so that its blocks of W_low and of the gradient come into the cache once.
 */
const placeItems = ({ shard: { bias, arena, items, firstItem } }: ShardBackward, spans: readonly Span[]): Uint32Array => {
  const lists = spans.map(({ update, start, end }) => update.rows.subarray(start, end));
  const starts = startsByItem(lists, firstItem, items);
  const slotOf = arena.i32(bias.gradient.slotOf, items);
  for (let block = 0; block < items; block++) if (starts[block + 1]! > starts[block]!) claimSlot(bias, slotOf, block);
  return starts;
};

/** Lists a shard's rows for the kernel: by item, and within an item in DeviceId order. */
const collectRows = (layout: Layout, local: ShardBackward, spans: readonly Span[]): number => {
  const { shard, user, item, slot, upstream } = local;
  const s = layout.options.lowRank;
  const padded = layout.paddedRank;
  const count = spans.reduce((sum, { start, end }) => sum + end - start, 0);
  if (count === 0) return 0;
  const users = shard.arena.u32(user.reserve(count), count);
  const items = shard.arena.u32(item.reserve(count), count);
  const slots = shard.arena.u32(slot.reserve(count), count);
  const gradients = shard.arena.f32(upstream.reserve(count * padded), count * padded);
  if (s < padded) gradients.fill(0);
  const next = placeItems(local, spans);
  const slotOf = shard.arena.i32(shard.bias.gradient.slotOf, shard.items);
  for (const { position, update, start, end } of spans) {
    const low = update.tensors[0]!;
    for (let row = start; row < end; row++) {
      const block = update.rows[row]! - shard.firstItem;
      const at = next[block]!++;
      users[at] = position;
      items[at] = block;
      slots[at] = slotOf[block]!;
      for (let j = 0; j < s; j++) gradients[at * padded + j] = low[row * s + j]!;
    }
  }
  return count;
};

/** W_low and its bias are touched together: the weights claim the same slots as the bias. */
const shareSlots = ({ weights, bias, arena, items }: ItemShard): void => {
  if (weights.size > 0) {
    const slotOf = arena.i32(weights.gradient.slotOf, items);
    for (const block of bias.gradient.touched) claimSlot(weights, slotOf, block);
    reserveSlots(weights);
  }
  reserveSlots(bias);
};

/** Begins each shard's part of the backward pass. Other threads compute one while this thread lists the rows of the next. */
const beginItems = (pool: ServerPool, layout: Layout, forward: Forward, backward: Backward, updates: readonly Placed[]): void => {
  const users = forward.cohort.length;
  const o = layout.branches[0].hidden.units;
  backward.shards.forEach((local, index) => {
    const { shard, user, item, slot, upstream, list, hidden, units } = local;
    const fresh = shard.bias.gradient.used;
    const spans = spansOf(shard, updates).filter(({ start, end }) => start < end);
    local.present = spans.map(({ position }) => position);
    const count = collectRows(layout, local, spans);
    // Only updates that waited for rounds have rows with pending steps.
    backward.deferral.catchUp(shard.weights, shard.bias.gradient.touched);
    shareSlots(shard);
    const { weights, bias, generator, memory } = shard;
    list.view[List.count] = count;
    list.view[List.user] = user.pointer;
    list.view[List.item] = item.pointer;
    list.view[List.place] = slot.pointer;
    list.view[List.upstream] = upstream.pointer;
    list.view[List.fresh] = fresh;
    const h = [forward.shards[index]!.hidden.pointer, units.reserve(unitRoom(users, o))] as const;
    const gradients = [weights.gradient.slots, bias.gradient.slots, hidden.reserve(users * o)] as const;
    pool.begin([{ kernel: 'backwardRows', memory, args: [generator, list.pointer, users, ...h, ...gradients] }]);
  });
};

/** Copies the updates' dense tensors into the rows of (C, outputs) matrices, one for each branch. */
const collectDense = (pool: ServerPool, layout: Layout, forward: Forward, backward: Backward, updates: readonly Placed[]): void => {
  const parts = [[1], [2, 3], [4, 5]] as const;
  layout.branches.forEach(({ generator: { outputs } }, x) => {
    const size = forward.cohort.length * outputs;
    const matrix = layout.core.f32(backward.dense[x]!.reserve(size), size);
    pool.on(0).zero(size, backward.dense[x]!.pointer);
    for (const { position, update } of updates) {
      let at = position * outputs;
      for (const part of parts[x]!) {
        const values = update.tensors[part]!;
        matrix.set(values, at);
        at += values.length;
      }
    }
  });
};

const gemm = (...args: Parameters<ServerKernels['gemm']>): ServerTask[] => gemmTasks(0, ...args);
const addRows = (m: number, n: number, a: number, out: number): ServerTask => ({ kernel: 'addRows', memory: 0, args: [m, n, a, out] });

const transposeTasks = (
  { branches, memoryMatrix, options }: Layout,
  { generators, hidden, memoryMatrix: out }: Transposed,
): ServerTask[] => {
  const { userEmbedding: du, collaborative: k } = options;
  const transpose = (rows: number, columns: number, from: number, to: Scratch): ServerTask => {
    const stride = strideOf(rows);
    return { kernel: 'transpose', memory: 0, args: [rows, columns, from, to.reserve(columns * stride), stride] };
  };
  return [
    ...branches.map(({ hidden: { units }, generator }, x) =>
      transpose(units, generator.outputs, generator.weights.weights, generators[x]!),
    ),
    ...branches.map(({ hidden: { units, weights } }, x) => transpose(k, units, weights.weights, hidden[x]!)),
    transpose(du, k, memoryMatrix.weights, out),
  ];
};

/** Per branch, dense_x to the gradients of its weights. */
const denseTasks = (layout: Layout, forward: Forward, backward: Backward): ServerTask[] => {
  const size = forward.cohort.length;
  return layout.branches.flatMap(({ hidden: { units }, generator: { outputs, weights, bias }, products }, x): ServerTask[] => {
    const h = forward.hidden[x]!.pointer;
    const d = backward.dense[x]!.pointer;
    return [
      ...gemm(units, outputs, size, h, d, weights.gradient.slots, 0, products.dGenerator),
      addRows(size, outputs, d, bias.gradient.slots),
    ];
  });
};

/** Per branch, dense_x to dh_x. */
const hiddenTasks = (layout: Layout, forward: Forward, backward: Backward): ServerTask[] => {
  const size = forward.cohort.length;
  return layout.branches.flatMap(({ hidden: { units }, generator: { outputs }, products }, x): ServerTask[] => {
    const dh = backward.hidden[x]!.reserve(size * units);
    const transposed = backward.transposed.generators[x]!.pointer;
    return gemm(size, units, outputs, backward.dense[x]!.pointer, transposed, dh, 0, products.dHidden);
  });
};

const addShardsToHidden = (pool: ServerPool, layout: Layout, backward: Backward): void => {
  const { units } = layout.branches[0].hidden;
  const staging = layout.core.f32(backward.staging.reserve(units), units);
  for (const { shard, hidden, present } of backward.shards) {
    for (const position of present) {
      const at = 4 * position * units;
      staging.set(shard.arena.f32(hidden.pointer + at, units));
      pool.on(0).axpy(units, 1, backward.staging.pointer, backward.hidden[0]!.pointer + at);
    }
  }
};

/** From dh_x to the gradients of the hidden layers, M and the cohort's rows of U. */
const backwardHidden = (pool: ServerPool, layout: Layout, forward: Forward, backward: Backward): void => {
  const { userEmbedding: du, collaborative: k } = layout.options;
  const { core, users, memoryMatrix, branches, products } = layout;
  const size = forward.cohort.length;
  const c = forward.collaborative.pointer;
  const kernels = pool.on(0);
  // Here and not in the pool: for a usual cohort, waking its threads takes longer.
  branches.forEach(({ hidden: { units } }, x) => {
    kernels.reluBackward(size * units, forward.hidden[x]!.pointer, backward.hidden[x]!.pointer);
  });
  if (forward.gain !== 1) {
    // A silent unit is 0, so the pass above has stopped its gradient.
    branches.forEach(({ hidden: { units } }, x) => {
      const dz = backward.hidden[x]!.pointer;
      kernels.axpy(size * units, forward.gain - 1, dz, dz);
    });
  }
  const dc = backward.collaborative.reserve(size * k);
  /** dc [+]= dz·W_xᵀ */
  const back = (x: 0 | 1 | 2): ServerTask[] => {
    const { hidden, products: own } = branches[x];
    const transposed = backward.transposed.hidden[x]!.pointer;
    return gemm(size, k, hidden.units, backward.hidden[x]!.pointer, transposed, dc, 0, own.dCollaborative);
  };
  const gradients = branches.flatMap(({ hidden: { units, weights, bias }, products: own }, x): ServerTask[] => {
    const dz = backward.hidden[x]!.pointer;
    return [...gemm(k, units, size, c, dz, weights.gradient.slots, 0, own.dWeights), addRows(size, units, dz, bias.gradient.slots)];
  });
  pool.run([...gradients, ...back(0)]);
  pool.run(back(1));
  pool.run(back(2));
  kernels.gemm(du, k, size, forward.embedded.pointer, dc, memoryMatrix.gradient.slots, 0, products.dMemoryMatrix);

  const slotOf = core.i32(users.gradient.slotOf, users.blocks);
  forward.cohort.forEach((device) => claimSlot(users, slotOf, device));
  reserveSlots(users);
  const transposed = backward.transposed.memoryMatrix.pointer;
  // The cohort is in DeviceId order, and so are its slots: row p of dE is slot p.
  kernels.gemm(size, du, k, dc, transposed, users.gradient.slots, 0, products.dEmbedded);
};

/** Adds the gradient of the summed loss of `updates` to Θ's gradients. The devices belong to the prepared cohort. */
export const accumulate = (
  pool: ServerPool,
  layout: Layout,
  forward: Forward,
  backward: Backward,
  updates: readonly ClientUpdate[],
): void => {
  const positions = new Map(forward.cohort.map((device, position) => [device, position]));
  const placed = updates.map((update): Placed => {
    const position = positions.get(update.device);
    if (position === undefined) throw new Error(`device ${update.device} is not in the cohort`);
    return { position, update };
  });
  collectDense(pool, layout, forward, backward, placed);
  beginItems(pool, layout, forward, backward, placed);
  pool.run([...denseTasks(layout, forward, backward), ...transposeTasks(layout, backward.transposed)]);
  pool.run(hiddenTasks(layout, forward, backward));
  addShardsToHidden(pool, layout, backward);
  backwardHidden(pool, layout, forward, backward);
};
