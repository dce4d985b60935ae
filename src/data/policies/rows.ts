import { idOf } from '../formats/reading.js';
import type { OriginalId } from '../import/row-sink.js';
import { emptyRows, groupByUser, type RatingRows, reserve } from '../import/rows.js';
import { type CorePolicy, coreOf } from './core.js';
import { type DuplicatePolicy, mergeDuplicates } from './duplicates.js';
import type { Scale } from './values.js';

/** What becomes of rows once all of them are known. */
export type RowPolicy = CorePolicy & {
  /** Default: refuse, which the assembly of the rows does. */
  readonly duplicates?: DuplicatePolicy;
  /** Lowest and highest rating of the scale that ratings are stretched to, in a straight line. */
  readonly rescale?: { readonly lowest: number; readonly highest: number };
};

/** How many rows, users and items a policy took away. */
export type RowCounts = {
  readonly merged: number;
  readonly thin: { readonly users: number; readonly items: number; readonly rows: number };
};

/** Original ids by provisional index. */
const originals = (table: RatingRows['userIds']): readonly OriginalId[] => {
  const { ids, dense } = table.finish();
  return Array.from(dense, (at) => idOf(ids[at]!) ?? ids[at]!);
};

/** The rows that stay, with the ids that stay. Ids keep the order in which they were first seen. */
const selectRows = (rows: RatingRows, keep: Uint8Array): RatingRows => {
  const kept = emptyRows();
  reserve(
    kept,
    keep.reduce((sum, each) => sum + each, 0),
  );
  if (rows.times !== undefined) kept.times = new Float64Array(kept.users.length);
  const mapped = (from: RatingRows['userIds'], to: RatingRows['userIds']) => {
    const ids = originals(from);
    const known = new Int32Array(from.size()).fill(-1);
    return (provisional: number): number => {
      if (known[provisional]! < 0) {
        const id = ids[provisional]!;
        known[provisional] = typeof id === 'number' ? to.integer(id) : to.text(id);
      }
      return known[provisional]!;
    };
  };
  const userOf = mapped(rows.userIds, kept.userIds);
  const itemOf = mapped(rows.itemIds, kept.itemIds);
  for (const { path, from, to } of rows.files) {
    const first = kept.count;
    for (let row = from; row < to; row++) {
      if (keep[row] === 0) continue;
      const at = kept.count++;
      kept.users[at] = userOf(rows.users[row]!);
      kept.items[at] = itemOf(rows.items[row]!);
      kept.values[at] = rows.values[row]!;
      kept.lines[at] = rows.lines[row]!;
      if (kept.times !== undefined) kept.times[at] = rows.times![row]!;
    }
    kept.files.push({ path, from: first, to: kept.count });
  }
  return kept;
};

/**
 * Applies the policies: duplicates first, then the least counts of users and items. The rows that are given may change.
 * Memory where something falls out: a second copy of the rows.
 */
export const applyRowPolicy = (
  given: RatingRows,
  { duplicates = 'refuse', ...core }: RowPolicy,
): { readonly rows: RatingRows; readonly counts: RowCounts } => {
  let rows = given;
  let merged = 0;
  if (duplicates !== 'refuse') {
    const result = mergeDuplicates(rows, groupByUser(rows, rows.userIds.size()), rows.itemIds.size(), duplicates);
    ({ merged } = result);
    if (merged > 0) rows = selectRows(rows, result.keep);
  }
  const sizes = { users: rows.userIds.size(), items: rows.itemIds.size() };
  const { keep, ...thin } = coreOf(rows.users.subarray(0, rows.count), rows.items.subarray(0, rows.count), sizes, core);
  if (thin.rows > 0) rows = selectRows(rows, keep);
  return { rows, counts: { merged, thin } };
};

/** Ratings on `from` → on the scale from `to.lowest` to `to.highest`, in a straight line and in place. Returns the new scale. */
export const rescaleRows = (rows: RatingRows, from: Scale, to: NonNullable<RowPolicy['rescale']>): Scale => {
  const factor = (to.highest - to.lowest) / (from.highest - from.lowest);
  for (let row = 0; row < rows.count; row++) rows.values[row] = to.lowest + factor * (rows.values[row]! - from.lowest);
  return { ...to, step: from.step * factor };
};
