import { type Arena, arenaFor } from '../../tensor/memory/arena.js';
import { createParameter, type Parameter } from '../../tensor/memory/parameter.js';
import { placeStruct } from '../../tensor/memory/struct.js';
import type { KeptByOptimizer } from '../../tensor/optimizers/setup.js';
import type { World } from '../port/definition.js';
import * as Generator from './kernels/structs/generator.js';
import type { MetaMFOptions } from './options.js';
import { type BranchProducts, type Products, placeBranchProducts, placeProducts } from './products.js';

/**
 * Where Θ lies. Memory 0, the core, holds all tensors that do not grow with the items.
 * The item generator W_low is cut by item rows into shards, each with its own memory.
 * One WebAssembly memory ends at 4 GiB, and the shard is the unit of parallelism. Where all is small, it lies in the core's memory: each memory takes
 * 10 GB of addresses.
 * The number of shards follows from the sizes alone, never from the threads: sums over shards are part of the result's bits.
 *
 * Layouts, row-major: hidden weights (k, o); dense generators (o, outputs); W_low item-major (n, o, S).
 * S is s rounded up to a multiple of 4 for the kernels. The added lanes stay zero.
 *
 * A variant shares a part that the full model generates. There the part is a generator without hidden units.
 * Only its bias remains, and the bias is the shared table. So the three variants have the same code.
 */
export type HiddenLayer = { readonly units: number; readonly weights: Parameter; readonly bias: Parameter };
export type DenseGenerator = { readonly outputs: number; readonly weights: Parameter; readonly bias: Parameter };
/** One of the three branches of the meta recommender: a hidden layer, and the generator of its dense part of Φ_u. */
export type Branch = { readonly hidden: HiddenLayer; readonly generator: DenseGenerator; readonly products: BranchProducts };

export type ItemShard = {
  readonly memory: number;
  readonly arena: Arena;
  readonly firstItem: number;
  readonly items: number;
  readonly weights: Parameter;
  readonly bias: Parameter;
  /** Both, as kernels take them (structs/generator.ts). */
  readonly generator: number;
};

export type Layout = {
  readonly world: World;
  readonly options: MetaMFOptions;
  /** s rounded up to the kernels' multiple of 4. */
  readonly paddedRank: number;
  readonly core: Arena;
  readonly users: Parameter;
  readonly memoryMatrix: Parameter;
  /** item, layer1 (w1 and b1), layer2 (w2 and b2). */
  readonly branches: readonly [Branch, Branch, Branch];
  readonly products: Products;
  readonly itemsPerShard: number;
  readonly shards: readonly ItemShard[];
  readonly parameters: readonly Parameter[];
};

const LEAST_SHARDS = 8;
/** Weights, two moments and a gradient of as many elements must fit into one memory, with room left. */
const SHARD_BYTES = 3 * 2 ** 30;

const shardCount = (items: number, blockElements: number): number =>
  Math.min(items, Math.max(LEAST_SHARDS, Math.ceil((items * blockElements * 16) / SHARD_BYTES)));

/** Weights, two moments and a gradient of all tensors up to this lie in one memory, with room for scratch. */
const ONE_MEMORY_BYTES = 2 ** 30;

export const createLayout = (world: World, options: MetaMFOptions, keeps: KeptByOptimizer): Layout => {
  const { userEmbedding: du, collaborative: k, hidden, lowRank: s, itemEmbedding: d, units: f, variant } = options;
  const paddedRank = Math.ceil(s / 4) * 4;
  const generated = variant === 'si' ? 0 : hidden;
  const coreBytes = 16 * (world.devices * du + du * k + 3 * (k + s * d + d * f + f) * (hidden + 1));
  const itemBytes = 16 * world.items * (generated + 1) * paddedRank;
  const one = coreBytes + itemBytes <= ONE_MEMORY_BYTES;
  const core = arenaFor(one ? coreBytes + itemBytes : coreBytes);
  const place = { memory: 0, arena: core };
  const sparse = (name: string, blocks: number, size: number) =>
    createParameter(name, place, { blocks, size, sparse: true, counted: keeps(name).counted }, keeps(name).kind);
  const dense = (name: string, size: number) => createParameter(name, place, { blocks: 1, size, sparse: false }, keeps(name).kind);

  const branch = (name: string, output: string, generated: boolean, outputs: number): Branch => {
    const units = generated ? hidden : 0;
    return {
      hidden: { units, weights: dense(`hidden.${name}.weights`, k * units), bias: dense(`hidden.${name}.bias`, units) },
      generator: { outputs, weights: dense(`${output}.weights`, units * outputs), bias: dense(`${output}.bias`, outputs) },
      products: placeBranchProducts(core, k, units, outputs, name === 'item'),
    };
  };
  const users = sparse('U', world.devices, du);
  const memoryMatrix = dense('M', du * k);
  const branches: Layout['branches'] = [
    branch('item', 'rise', variant !== 'si', s * d),
    branch('layer1', 'layer1', variant !== 'sm', d * f + f),
    branch('layer2', 'layer2', variant !== 'sm', f + 1),
  ];

  const units = branches[0].hidden.units;
  const count = shardCount(world.items, units * paddedRank);
  const itemsPerShard = Math.ceil(world.items / count);
  const shards = Array.from({ length: Math.ceil(world.items / itemsPerShard) }, (_, index): ItemShard => {
    const at = one ? place : { memory: index + 1, arena: arenaFor(itemBytes / count) };
    const { arena } = at;
    const firstItem = index * itemsPerShard;
    const items = Math.min(itemsPerShard, world.items - firstItem);
    const itemBlocks = (name: string, rows: number, deferring: boolean) =>
      createParameter(
        name,
        at,
        {
          ...{ blocks: items, size: rows * paddedRank, trained: rows * s, sparse: true },
          ...{ counted: keeps(name).counted, deferring, zeroed: false },
        },
        keeps(name).kind,
      );
    const weights = itemBlocks('low.weights', units, true);
    const bias = itemBlocks('low.bias', 1, false);
    const generator = placeStruct(arena, Generator, { o: units, s: paddedRank, w: weights.weights, bias: bias.weights });
    return { ...at, firstItem, items, weights, bias, generator };
  });

  const parameters = [
    users,
    memoryMatrix,
    ...branches.flatMap(({ hidden: layer, generator }) => [layer.weights, layer.bias, generator.weights, generator.bias]),
    ...shards.flatMap(({ weights, bias }) => [weights, bias]),
  ].filter(({ size }) => size > 0);
  const products = placeProducts(core, options);
  return { world, options, paddedRank, core, users, memoryMatrix, branches, products, itemsPerShard, shards, parameters };
};

/** The shape of a parameter, row-major. Pieces of W_low and its bias have their own items as the first axis, and padded rows. */
export const shapeIn = ({ options, paddedRank, branches }: Layout, { name, blocks, size }: Parameter): readonly number[] => {
  if (name === 'U') return [blocks, size];
  if (name === 'M') return [options.userEmbedding, options.collaborative];
  if (name === 'low.weights') return [blocks, size / paddedRank, paddedRank];
  if (name === 'low.bias') return [blocks, size];
  const inputs = branches.flatMap(({ hidden: { weights, units }, generator }) => [
    { parameter: weights, rows: options.collaborative },
    { parameter: generator.weights, rows: units },
  ]);
  const rows = inputs.find(({ parameter }) => parameter.name === name)?.rows;
  return rows === undefined ? [size] : [rows, size / rows];
};
