import type { Whole } from '../../../src/data/splits/labels.js';
import { allocateRatings } from '../../../src/data/splits/split.js';

/** [item, time] of each record, user by user; without times where every time is left out. Values are 1, 2, 3 … row by row. */
export const wholeOf = (records: readonly (readonly (readonly [item: number, time?: number])[])[], itemCount: number): Whole => {
  const timed = records.some((rows) => rows.some(([, time]) => time !== undefined));
  const columns = allocateRatings(records.length, (user) => records[user]!.length, timed);
  records.flat().forEach(([item, time], row) => {
    columns.items[row] = item;
    columns.values[row] = row + 1;
    if (columns.times !== undefined) columns.times[row] = time ?? Number.NaN;
  });
  return { ...columns, users: records.length, itemCount };
};

/** So many users, each with the same number of records of different items. */
export const evenWhole = (users: number, perUser: number, itemCount: number): Whole =>
  wholeOf(
    Array.from({ length: users }, (_, user) => Array.from({ length: perUser }, (_, i): [number] => [(7 * user + 3 * i) % itemCount])),
    itemCount,
  );
