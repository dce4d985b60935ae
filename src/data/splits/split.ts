import { random, shuffle } from '../../base/random.js';
import { PARTS, type Ratings } from '../dataset.js';

/** Sizes of the three parts of one user's `count` ratings: 80/10/10, rounded as in the splits of Lin et al. (SIGIR 2020), at least one in train. */
export const partSizes = (count: number): readonly [train: number, valid: number, test: number] => {
  const upToValid = Math.floor(0.9 * count);
  const train = Math.max(Math.floor(0.8 * count), Math.min(1, count));
  const valid = Math.max(upToValid - train, 0);
  return [train, valid, count - train - valid];
};

/**
 * The part (index into PARTS) of each of a user's ratings, drawn at random. Depends on (seed, user, labels.length) alone:
 * neither on other users nor on the order in which they are split.
 */
export const splitUser = (seed: number, user: number, labels: Uint8Array): Uint8Array => {
  const [train, valid] = partSizes(labels.length);
  labels
    .fill(0, 0, train)
    .fill(1, train, train + valid)
    .fill(2, train + valid);
  return shuffle(labels, random(seed, 'split', user));
};

export type WritableRatings = {
  readonly offsets: Uint32Array<SharedArrayBuffer>;
  readonly items: Uint32Array<SharedArrayBuffer>;
  readonly values: Float32Array<SharedArrayBuffer>;
  readonly times?: Float64Array<SharedArrayBuffer>;
};

/** Columns of shared memory for a part of `users` users: 8 B per rating, 16 B with times, 4 B per user. `sizeOf(user)`: ratings of the user in it. */
export const allocateRatings = (users: number, sizeOf: (user: number) => number, timed = false): WritableRatings => {
  const offsets = new Uint32Array(new SharedArrayBuffer(4 * (users + 1)));
  let count = 0;
  for (let user = 0; user < users; user++) {
    count += sizeOf(user);
    offsets[user + 1] = count;
  }
  return ratingsAt(offsets, timed);
};

/** Columns for the rows of these offsets. */
export const ratingsAt = (offsets: Uint32Array<SharedArrayBuffer>, timed: boolean): WritableRatings => {
  const count = offsets.at(-1)!;
  return {
    offsets,
    items: new Uint32Array(new SharedArrayBuffer(4 * count)),
    values: new Float32Array(new SharedArrayBuffer(4 * count)),
    ...(timed && { times: new Float64Array(new SharedArrayBuffer(8 * count)) }),
  };
};

/** The three parts, built from each user's count and then filled by the caller. */
export const allocateParts = (users: number, sizes: (user: number) => readonly [number, number, number], timed = false) => {
  const [train, valid, test] = PARTS.map((_, part) => allocateRatings(users, (user) => sizes(user)[part]!, timed));
  return { train: train!, valid: valid!, test: test! };
};

/** Number of ratings in a part. */
export const ratingCount = (ratings: Ratings): number => ratings.items.length;
