import type { Whole } from './labels.js';
import { allocateRatings } from './split.js';

/** Without the records of items that are not among `kept` (ascending), and with items numbered by their place there. Users stay, even empty ones. */
export const withItems = (whole: Whole, kept: Uint32Array): Whole => {
  const { users, itemCount, offsets, items, values, times } = whole;
  const numbers = new Int32Array(itemCount).fill(-1);
  kept.forEach((item, now) => {
    numbers[item] = now;
  });
  const counts = new Uint32Array(users);
  for (let user = 0; user < users; user++) {
    for (let row = offsets[user]!; row < offsets[user + 1]!; row++) if (numbers[items[row]!]! >= 0) counts[user]! += 1;
  }
  const columns = allocateRatings(users, (user) => counts[user]!, times !== undefined);
  let next = 0;
  items.forEach((item, row) => {
    const number = numbers[item]!;
    if (number < 0) return;
    columns.items[next] = number;
    columns.values[next] = values[row]!;
    if (columns.times !== undefined) columns.times[next] = times![row]!;
    next += 1;
  });
  return { ...columns, users, itemCount: kept.length };
};
