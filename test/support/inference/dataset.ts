import type { Dataset, Ratings } from '../../../src/data/dataset.js';

type UserRatings = readonly (readonly [item: number, rating: number])[];

const ratings = (users: readonly UserRatings[]): Ratings => {
  const all = users.flat();
  const columns = {
    offsets: new Uint32Array(new SharedArrayBuffer(4 * (users.length + 1))),
    items: new Uint32Array(new SharedArrayBuffer(4 * all.length)),
    values: new Float32Array(new SharedArrayBuffer(4 * all.length)),
  };
  users.forEach((own, user) => {
    columns.offsets[user + 1] = columns.offsets[user]! + own.length;
  });
  columns.items.set(all.map(([item]) => item));
  columns.values.set(all.map(([, value]) => value));
  return columns;
};

/** A dataset of these training ratings, user by user, and perhaps test ratings. */
export const datasetOf = (items: number, train: readonly UserRatings[], test: readonly UserRatings[] = train.map(() => [])): Dataset => ({
  ...{ name: 'few', users: train.length, items, feedback: 'explicit', scale: { lowest: 1, highest: 5, step: 1 } },
  parts: { train: ratings(train), valid: ratings(train.map(() => [])), test: ratings(test) },
});
