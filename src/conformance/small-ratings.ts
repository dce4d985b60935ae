import { distinct, random } from '../base/random.js';
import type { Ratings } from '../data/dataset.js';
import type { Facts } from '../models/port/definition.js';

/** Training ratings of a few users with tastes: users like items of their own parity. The last user and the last item have none. */
export const smallFacts = (users = 13, items = 11): Facts => {
  const rows = Array.from({ length: users }, (_, user) =>
    user === users - 1 ? [] : Array.from(distinct(3 + (user % 4), items - 1, random(1, 'small-ratings', user))),
  );
  const counts = rows.map(({ length }) => length);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const train: Ratings = {
    offsets: new Uint32Array(new SharedArrayBuffer(4 * (users + 1))),
    items: new Uint32Array(new SharedArrayBuffer(4 * total)),
    values: new Float32Array(new SharedArrayBuffer(4 * total)),
  };
  for (let user = 0; user < users; user++) train.offsets[user + 1] = train.offsets[user]! + counts[user]!;
  rows.flat().forEach((item, row) => {
    train.items[row] = item;
  });
  rows.forEach((list, user) =>
    list.forEach((item, index) => {
      train.values[train.offsets[user]! + index] = item % 2 === user % 2 ? 4 + (item % 2) : 1 + (user % 2);
    }),
  );
  const mean = train.values.reduce((sum, value) => sum + value, 0) / total;
  return { users, items, lowest: 1, highest: 5, mean, train };
};
