import { type Random, random, shuffle } from '../base/random.js';
import { type Dataset, PARTS } from './dataset.js';
import { allocateParts, partSizes, splitUser } from './splits/split.js';
import type { SyntheticOptions } from './synthetic-options.js';

/**
 * How many ratings each user has: 1 + a share of the rest in proportion to (1 + (m−1)·U)^−activity, with U uniform, keyed per
 * user. No user has more ratings than there are items, and the sum is exact. What is cut off at the cap goes to the others in proportion.
 */
export const activityOf = ({ users, items, ratings, activity }: SyntheticOptions, seed: number): Uint32Array => {
  const weights = new Float64Array(users);
  for (let user = 0; user < users; user++) {
    weights[user] = (1 + (users - 1) * random(seed, 'activity', user).uniform()) ** -activity;
  }
  const cap = items - 1;
  const capped = new Uint8Array(users);
  let rest = ratings - users;
  let weight = weights.reduce((sum, each) => sum + each, 0);
  for (let found = true; found; ) {
    found = false;
    const perWeight = rest / weight;
    for (let user = 0; user < users; user++) {
      if (capped[user] === 1 || !(weights[user]! * perWeight > cap)) continue;
      capped[user] = 1;
      rest -= cap;
      weight -= weights[user]!;
      found = true;
    }
  }
  // Rounding the running sum keeps every share within one of its real value and the total exact.
  const counts = new Uint32Array(users);
  let running = 0;
  let given = 0;
  for (let user = 0; user < users; user++) {
    if (capped[user] === 1) {
      counts[user] = items;
      continue;
    }
    running += weights[user]!;
    const upTo = Math.min(rest, Math.round((running / weight) * rest));
    const share = Math.min(cap, Math.max(0, upTo - given));
    counts[user] = 1 + share;
    given += share;
  }
  for (let user = 0; given < rest; user = (user + 1) % users) {
    if (counts[user]! >= items) continue;
    counts[user]!++;
    given++;
  }
  return counts;
};

/** Walker's alias table (Vose, 1991): draws from a discrete distribution in O(1). */
type Alias = { readonly keep: Float64Array; readonly other: Uint32Array };

export const aliasTable = (weights: Float64Array): Alias => {
  const size = weights.length;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const keep = weights.map((weight) => (weight * size) / total);
  const other = Uint32Array.from(weights.keys());
  const small: number[] = [];
  const large: number[] = [];
  for (const [item, share] of keep.entries()) (share < 1 ? small : large).push(item);
  while (small.length > 0 && large.length > 0) {
    const low = small.pop()!;
    const high = large.at(-1)!;
    other[low] = high;
    keep[high] = keep[high]! + keep[low]! - 1;
    if (keep[high]! < 1) small.push(large.pop()!);
  }
  for (const item of [...small, ...large]) keep[item] = 1;
  return { keep, other };
};

/** Popularity weights: a random item is the most popular one. */
const popularityOf = (items: number, exponent: number, seed: number): Float64Array => {
  const ranks = shuffle(
    Uint32Array.from({ length: items }, (_, item) => item),
    random(seed, 'popularity'),
  );
  return Float64Array.from(ranks, (rank) => (rank + 1) ** -exponent);
};

/**
 * Draws `count` distinct items in proportion to popularity into `chosen`. Repeats are drawn again. When that becomes wasteful, the
 * rest is drawn at once by exponential races (Efraimidis & Spirakis, 2006). The distribution is the same.
 */
const drawItems = (
  count: number,
  source: Random,
  weights: Float64Array,
  alias: Alias,
  owner: Uint32Array,
  stamp: number,
  chosen: Uint32Array,
) => {
  const size = weights.length;
  let drawn = 0;
  for (let tries = 4 * count + 16; drawn < count && tries > 0; tries--) {
    const scaled = source.uniform() * size;
    const column = Math.floor(scaled);
    // The fraction left over is the second uniform: of its 32 bits at least 18 remain while size ≤ 2¹⁴; beyond that draw again.
    const fraction = size <= 1 << 14 ? scaled - column : source.uniform();
    const item = fraction < alias.keep[column]! ? column : alias.other[column]!;
    if (owner[item] === stamp) continue;
    owner[item] = stamp;
    chosen[drawn++] = item;
  }
  if (drawn === count) return;
  const races = new Float64Array(size);
  for (let item = 0; item < size; item++) {
    races[item] = owner[item] === stamp ? Number.POSITIVE_INFINITY : -Math.log(1 - source.uniform()) / weights[item]!;
  }
  const last = races.slice().sort()[count - drawn - 1]!;
  for (let item = 0; item < size && drawn < count; item++) if (races[item]! <= last) chosen[drawn++] = item;
};

const factors = (count: number, rank: number, spread: number, seed: number, purpose: string): Float32Array => {
  const values = new Float32Array(count * rank);
  for (let row = 0; row < count; row++) {
    const { normal } = random(seed, purpose, row);
    for (let k = 0; k < rank; k++) values[row * rank + k] = spread * normal();
  }
  return values;
};

/** What is known of a synthetic set once all its users are drawn. */
type Drawn = Pick<Dataset, 'scale'> & { readonly bestMse: number };

/** Takes the ratings of one user, in their order; `labels`: the part of each in the random split. The arrays hold until the next user. */
type TakeUser = (user: number, items: Uint32Array, values: Float32Array, labels: Uint8Array) => void;

/**
 * A set with planted structure: rating = μ + b_u + b_i + p_u·q_i + noise, continuous and not clipped. So `bestMse`, the
 * mean squared noise on the test part, is the error of the generating model itself. The scale is what the ratings span.
 * Everything of a user is keyed by (seed, user). Cost: about 0.2 µs a rating; 50 million take some 10 s.
 */
export const synthesizeUsers = (
  options: SyntheticOptions,
  seed: number,
  take: TakeUser,
  counts: Uint32Array = activityOf(options, seed),
): Drawn => {
  const { users, items, rank, mean, userBias, itemBias, taste, noise } = options;
  const weights = popularityOf(items, options.popularity, seed);
  const alias = aliasTable(weights);
  // p_u has variance 1 per factor, q_i taste²/rank: their product's standard deviation is `taste`.
  const q = factors(items, rank, rank === 0 ? 0 : taste / Math.sqrt(rank), seed, 'item factors');
  const itemBiases = factors(items, 1, itemBias, seed, 'item bias');
  const p = new Float64Array(rank);
  const most = counts.reduce((a, b) => Math.max(a, b), 0);
  const chosen = new Uint32Array(most);
  const values = new Float32Array(most);
  const labels = new Uint8Array(most);
  const owner = new Uint32Array(items);
  let tested = 0;
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  let squaredNoise = 0;

  for (let user = 0; user < users; user++) {
    const count = counts[user]!;
    const source = random(seed, 'synthetic', user);
    const base = mean + userBias * source.normal();
    for (let k = 0; k < rank; k++) p[k] = source.normal();
    drawItems(count, source, weights, alias, owner, user + 1, chosen);
    splitUser(seed, user, labels.subarray(0, count));
    for (let at = 0; at < count; at++) {
      const item = chosen[at]!;
      let value = base + itemBiases[item]!;
      for (let k = 0; k < rank; k++) value += p[k]! * q[item * rank + k]!;
      const error = noise * source.normal();
      value += error;
      if (labels[at] === 2) {
        squaredNoise += error * error;
        tested++;
      }
      values[at] = value;
      if (value < lowest) lowest = value;
      if (value > highest) highest = value;
    }
    take(user, chosen.subarray(0, count), values.subarray(0, count), labels.subarray(0, count));
  }
  return {
    scale: { lowest: Math.floor(lowest), highest: Math.max(Math.ceil(highest), Math.floor(lowest) + 1), step: 0 },
    bestMse: tested > 0 ? squaredNoise / tested : noise * noise,
  };
};

/** All users of a synthetic set, split at random. 8 B a rating. */
export const synthesize = (options: SyntheticOptions, seed: number): Dataset => {
  const { users, items } = options;
  const counts = activityOf(options, seed);
  const parts = allocateParts(users, (user) => partSizes(counts[user]!));
  const columns = PARTS.map((part) => parts[part]);
  const next = [0, 0, 0];
  const take: TakeUser = (_, chosen, values, labels) => {
    for (let at = 0; at < chosen.length; at++) {
      const part = labels[at]!;
      const slot = next[part]!++;
      columns[part]!.items[slot] = chosen[at]!;
      columns[part]!.values[slot] = values[at]!;
    }
  };
  const drawn = synthesizeUsers(options, seed, take, counts);
  return { name: 'synthetic', users, items, feedback: 'explicit', parts, ...drawn };
};
