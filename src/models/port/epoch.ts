import { type Random, random, shuffle } from '../../base/random.js';
import type { Ratings } from '../../data/dataset.js';

/**
 * One pass of training: its number and its order. Everything random in it has the key (seed, purpose, epoch).
 * So an epoch is the same after a resume.
 */
export type Epoch = {
  /** From 1. */
  readonly number: number;
  /** Users in the order of this epoch. */
  users(): Uint32Array;
  /** Positions of training ratings in the order of this epoch. */
  rows(): Uint32Array;
  /** Numbers 0 … count − 1 in the order of this epoch: items, for example. */
  order(purpose: string, count: number): Uint32Array;
  /** All training ratings, shuffled, in batches of `size`; the last one is smaller. The arrays are used again for the next batch. */
  batches(size: number): Iterable<Batch>;
  /** A stream of this epoch. */
  random(...purpose: readonly (string | number)[]): Random;
};

/** Aligned: the r-th rating is that of users[r] for items[r]. */
export type Batch = { readonly users: Uint32Array; readonly items: Uint32Array; readonly values: Float32Array };

/** The user of each training rating. */
const usersOf = ({ offsets, items }: Pick<Ratings, 'offsets' | 'items'>): Uint32Array => {
  const users = new Uint32Array(items.length);
  for (let user = 0; user + 1 < offsets.length; user++) users.fill(user, offsets[user]!, offsets[user + 1]!);
  return users;
};

const identity = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, index) => index);

export type EpochSource = (number: number) => Epoch;

export const createEpochs = (seed: number, train: Ratings): EpochSource => {
  let owners: Uint32Array | undefined;
  return (number) => {
    const stream = (...purpose: readonly (string | number)[]): Random => random(seed, 'epoch', number, ...purpose);
    const order = (purpose: string, count: number): Uint32Array => shuffle(identity(count), stream('order', purpose));
    const rows = (): Uint32Array => order('rows', train.items.length);
    return {
      number,
      random: stream,
      order,
      users: () => order('users', train.offsets.length - 1),
      rows,
      *batches(size) {
        owners ??= usersOf(train);
        const at = rows();
        const batch = { users: new Uint32Array(size), items: new Uint32Array(size), values: new Float32Array(size) };
        for (let first = 0; first < at.length; first += size) {
          const count = Math.min(size, at.length - first);
          for (let i = 0; i < count; i++) {
            const row = at[first + i]!;
            batch.users[i] = owners[row]!;
            batch.items[i] = train.items[row]!;
            batch.values[i] = train.values[row]!;
          }
          yield {
            users: batch.users.subarray(0, count),
            items: batch.items.subarray(0, count),
            values: batch.values.subarray(0, count),
          };
        }
      },
    };
  };
};
