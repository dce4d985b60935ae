/** What becomes of several ratings of one user and item. */
export const DUPLICATES = ['refuse', 'first', 'last', 'mean', 'sum', 'max'] as const;
export type DuplicatePolicy = (typeof DUPLICATES)[number];

/** Columns of rows: users and items as indices from 0, times in seconds or NaN. */
export type RowColumns = {
  readonly count: number;
  readonly users: Uint32Array;
  readonly items: Uint32Array;
  readonly values: Float64Array;
  readonly times?: Float64Array | undefined;
};

/** Rows by user: user u has the rows order[offsets[u]] … order[offsets[u+1] − 1]. */
export type GroupedRows = { readonly offsets: Uint32Array; readonly order: Uint32Array };

/**
 * Marks the rows that stay (1) when each pair of user and item keeps one of its rows. The first or last is so by time where both have
 * one, and by order otherwise. Mean, sum and maximum go to the first row, with the latest time. Those are
 * written into `values` and `times`. Cost: one pass, 4 B an item and 1 B a row; sums run in the order of the rows.
 */
export const mergeDuplicates = (
  rows: RowColumns,
  { offsets, order }: GroupedRows,
  items: number,
  policy: Exclude<DuplicatePolicy, 'refuse'>,
): { readonly keep: Uint8Array; readonly merged: number } => {
  const keep = new Uint8Array(rows.count).fill(1);
  const kept = new Int32Array(items).fill(-1);
  const times = (row: number): number => rows.times?.[row] ?? Number.NaN;
  let merged = 0;
  // Number of rows behind the mean of a row that is kept.
  const counts = new Map<number, number>();
  const isLater = (row: number, than: number): boolean => !(times(row) < times(than));

  for (let user = 0; user + 1 < offsets.length; user++) {
    for (let at = offsets[user]!; at < offsets[user + 1]!; at++) {
      const row = order[at]!;
      const item = rows.items[row]!;
      const earlier = kept[item]!;
      if (earlier < 0 || rows.users[earlier] !== user) {
        kept[item] = row;
        continue;
      }
      merged++;
      if (policy === 'first' || policy === 'last') {
        const takes = policy === 'last' ? isLater(row, earlier) : times(row) < times(earlier);
        keep[takes ? earlier : row] = 0;
        if (takes) kept[item] = row;
        continue;
      }
      keep[row] = 0;
      const value = rows.values[row]!;
      if (policy === 'max') rows.values[earlier] = Math.max(rows.values[earlier]!, value);
      else rows.values[earlier]! += value;
      if (policy === 'mean') counts.set(earlier, (counts.get(earlier) ?? 1) + 1);
      if (rows.times !== undefined && isLater(row, earlier)) rows.times[earlier] = times(row);
    }
  }
  for (const [row, count] of counts) rows.values[row]! /= count;
  return { keep, merged };
};
