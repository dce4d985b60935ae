import { badInput } from '../../base/errors.js';
import { type IdTable, idTable } from './ids.js';

/**
 * What the readers append to: one row per rating, as growing columns, over all files of a set. Ids are provisional
 * (see ids.ts). 20 B a row, 28 B with times; lines are kept so that a later error (a duplicate, an empty user) can name its place.
 */
export type RatingRows = {
  readonly userIds: IdTable;
  readonly itemIds: IdTable;
  readonly files: { readonly path: string; readonly from: number; to: number }[];
  count: number;
  users: Uint32Array;
  items: Uint32Array;
  values: Float64Array;
  lines: Uint32Array;
  /** Seconds since 1970, NaN where a rating has none; absent while no rating has one. */
  times?: Float64Array;
};

export const emptyRows = (capacity = 4096): RatingRows => ({
  userIds: idTable(),
  itemIds: idTable(),
  files: [],
  count: 0,
  users: new Uint32Array(capacity),
  items: new Uint32Array(capacity),
  values: new Float64Array(capacity),
  lines: new Uint32Array(capacity),
});

export const reserve = (rows: RatingRows, capacity: number): void => {
  if (capacity <= rows.users.length) return;
  const size = Math.max(capacity, Math.ceil(rows.users.length * 1.5));
  const wider = <T extends Uint32Array | Float64Array>(column: T, grown: T): T => {
    grown.set(column.subarray(0, rows.count));
    return grown;
  };
  rows.users = wider(rows.users, new Uint32Array(size));
  rows.items = wider(rows.items, new Uint32Array(size));
  rows.values = wider(rows.values, new Float64Array(size));
  rows.lines = wider(rows.lines, new Uint32Array(size));
  if (rows.times !== undefined) rows.times = wider(rows.times, new Float64Array(size));
};

/** `file:line` of a row. */
export const placeOf = (rows: RatingRows, row: number): string => {
  const file = rows.files.find(({ from, to }) => row >= from && row < to);
  return `${file?.path ?? '?'}:${rows.lines[row]}`;
};

/** Provisional ids → dense ids, in place. */
export const renumber = (rows: RatingRows, users: Uint32Array, items: Uint32Array): void => {
  for (let row = 0; row < rows.count; row++) {
    rows.users[row] = users[rows.users[row]!]!;
    rows.items[row] = items[rows.items[row]!]!;
  }
};

/**
 * Row numbers grouped by user, in file order within a user (a counting sort): user u has order[offsets[u] … offsets[u+1]−1].
 * Expects dense ids.
 */
export const groupByUser = (rows: RatingRows, users: number): { offsets: Uint32Array; order: Uint32Array } => {
  const offsets = new Uint32Array(users + 1);
  for (let row = 0; row < rows.count; row++) offsets[rows.users[row]! + 1]!++;
  for (let user = 0; user < users; user++) offsets[user + 1]! += offsets[user]!;
  const next = offsets.slice();
  const order = new Uint32Array(rows.count);
  for (let row = 0; row < rows.count; row++) order[next[rows.users[row]!]!++] = row;
  return { offsets, order };
};

/** @throws MetafleetError DATA naming both places when a user has two ratings of one item. One pass, 4 B per item. */
export const refuseDuplicates = (
  rows: RatingRows,
  grouped: { offsets: Uint32Array; order: Uint32Array },
  userIds: readonly string[],
  itemIds: readonly string[],
): void => {
  const lastRow = new Int32Array(itemIds.length).fill(-1);
  for (let user = 0; user < userIds.length; user++) {
    for (let at = grouped.offsets[user]!; at < grouped.offsets[user + 1]!; at++) {
      const row = grouped.order[at]!;
      const item = rows.items[row]!;
      const earlier = lastRow[item]!;
      if (earlier >= 0 && rows.users[earlier] === user) {
        throw badInput(
          'DATA',
          placeOf(rows, row),
          'one rating per user and item',
          `user ${userIds[user]} and item ${itemIds[item]} again, first at ${placeOf(rows, earlier)} (duplicates: first, last, mean, sum or max takes them)`,
        );
      }
      lastRow[item] = row;
    }
  }
};
