import { type Random, random } from '../../base/random.js';
import { elementsOf, type Parameter } from '../../tensor/memory/parameter.js';
import type { Branch, Layout } from './layout.js';
import { middleRating } from './options.js';

/**
 * Θ at the start: U ~ N(0, userInit²), weights Xavier-normal (Glorot & Bengio, 2010), biases zero.
 * The output's bias is the middle of the rating scale, or zero if devices centre their ratings.
 * A shared table (MetaMF-SI, -SM) starts as the weights of its layer.
 */
const xavier = (fanIn: number, fanOut: number): number => Math.sqrt(2 / (fanIn + fanOut));

const weightsOf = (parameter: Parameter): Float32Array => parameter.arena.f32(parameter.weights, elementsOf(parameter));

const fill = (values: Float32Array, deviation: number, source: Random): void => {
  for (let i = 0; i < values.length; i++) values[i] = deviation * source.normal();
};

/** Columns first … first + count − 1 of a matrix with `columns` columns. */
const fillColumns = (values: Float32Array, columns: number, first: number, count: number, deviation: number, source: Random): void => {
  for (let row = 0; row < values.length; row += columns) fill(values.subarray(row + first, row + first + count), deviation, source);
};

/** Rows of s numbers, padded to `padded`. */
const fillRows = (values: Float32Array, s: number, padded: number, deviation: number, source: Random): void => {
  if (s === padded) fill(values, deviation, source);
  else fillColumns(values, padded, 0, s, deviation, source);
};

const initializeBranch = (
  branch: Branch,
  k: number,
  parts: readonly { readonly width: number; readonly deviation: number }[],
  source: Random,
): void => {
  const { hidden, generator } = branch;
  fill(weightsOf(hidden.weights), xavier(k, hidden.units), source);
  const table = hidden.units === 0;
  let first = 0;
  for (const { width, deviation } of parts) {
    if (table) fill(weightsOf(generator.bias).subarray(first, first + width), deviation, source);
    else fillColumns(weightsOf(generator.weights), generator.outputs, first, width, xavier(hidden.units, width), source);
    first += width;
  }
};

export const initialize = (layout: Layout, seed: number): void => {
  const { userEmbedding: du, collaborative: k, lowRank: s, itemEmbedding: d, units: f, userInit } = layout.options;
  const source = (name: string) => random(seed, 'initialize', name);
  fill(weightsOf(layout.users), userInit, source('U'));
  fill(weightsOf(layout.memoryMatrix), xavier(du, k), source('M'));
  const [item, layer1, layer2] = layout.branches;
  initializeBranch(item, k, [{ width: s * d, deviation: xavier(s, d) }], source('item'));
  initializeBranch(
    layer1,
    k,
    [
      { width: d * f, deviation: xavier(d, f) },
      { width: f, deviation: 0 },
    ],
    source('layer1'),
  );
  initializeBranch(
    layer2,
    k,
    [
      { width: f, deviation: xavier(f, 1) },
      { width: 1, deviation: 0 },
    ],
    source('layer2'),
  );
  if (layout.options.centring === 'none') weightsOf(layer2.generator.bias)[f] = middleRating(layout.world);

  const units = item.hidden.units;
  layout.shards.forEach((shard, index) => {
    const low = source(`low.${index}`);
    if (units > 0) fillRows(weightsOf(shard.weights), s, layout.paddedRank, xavier(units, layout.world.items * s), low);
    else fillRows(weightsOf(shard.bias), s, layout.paddedRank, xavier(s, d), low);
  });
};
