import { type Dataset, PARTS } from '../dataset.js';
import { selectDescribed } from '../features/described.js';
import type { Whole } from './labels.js';
import { partition } from './partition.js';
import type { SplitSpec } from './spec.js';
import { allocateRatings } from './split.js';

/** All records of a dataset: those of each user in the order train, valid, test. */
const pooled = ({ users, items, parts }: Dataset): Whole => {
  const timed = PARTS.some((part) => parts[part].times !== undefined);
  const count = (user: number): number => PARTS.reduce((sum, part) => sum + parts[part].offsets[user + 1]! - parts[part].offsets[user]!, 0);
  const columns = allocateRatings(users, count, timed);
  let next = 0;
  for (let user = 0; user < users; user++) {
    for (const part of PARTS) {
      const { offsets, items: rated, values, times } = parts[part];
      for (let row = offsets[user]!; row < offsets[user + 1]!; row++) {
        columns.items[next] = rated[row]!;
        columns.values[next] = values[row]!;
        if (columns.times !== undefined) columns.times[next] = times?.[row] ?? Number.NaN;
        next += 1;
      }
    }
  }
  return { ...columns, users, itemCount: items };
};

/** The same records in other parts. */
export const resplit = (dataset: Dataset, spec: SplitSpec, seed: number, onProgress?: (note: string) => void): Dataset => {
  const { parts, roles, users, items, notes } = partition(pooled(dataset), spec, seed, { place: dataset.name });
  for (const note of notes) onProgress?.(note);
  const { userIds, itemIds, roles: _, bestMse: __, ...rest } = dataset;
  const of = (list: readonly string[], chosen: Uint32Array | undefined) =>
    chosen === undefined ? list : Array.from(chosen, (at) => list[at]!);
  return {
    ...rest,
    users: parts.train.offsets.length - 1,
    items: items?.length ?? dataset.items,
    parts,
    ...(roles && { roles }),
    ...(userIds && { userIds: of(userIds, users) }),
    ...(itemIds && { itemIds: of(itemIds, items) }),
    ...selectDescribed(dataset, users, items),
  };
};

/** The same set with its ratings as interactions of value 1. */
export const asImplicit = (dataset: Dataset): Dataset => {
  const parts = { ...dataset.parts };
  for (const part of PARTS)
    parts[part] = { ...parts[part], values: new Float32Array(new SharedArrayBuffer(4 * parts[part].items.length)).fill(1) };
  const { bestMse: _, ...rest } = dataset;
  return { ...rest, parts, scale: { lowest: 0, highest: 1, step: 1 }, feedback: 'implicit' };
};
