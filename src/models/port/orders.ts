import type { Ratings } from '../../data/dataset.js';
import type { Pointer } from '../../tensor/memory/arena.js';

/**
 * Ratings in one order: row r has the ids and values offsets[r] … offsets[r+1] − 1. By user the ids are items, by item they are users.
 * Pointers are those of the kernel memory.
 */
export type Ordered = {
  readonly offsets: Uint32Array;
  readonly ids: Uint32Array;
  readonly values: Float32Array;
  readonly pointers: { readonly offsets: Pointer; readonly ids: Pointer; readonly values: Pointer };
};

/** The columns of a part, sorted by item instead of by user. Within an item, users ascend. */
export const byItem = ({ offsets, items, values }: Ratings, count: number): Ratings => {
  const starts = new Uint32Array(new SharedArrayBuffer(4 * (count + 1)));
  for (const item of items) starts[item + 1]! += 1;
  for (let item = 0; item < count; item++) starts[item + 1]! += starts[item]!;
  const next = starts.slice();
  const users = new Uint32Array(new SharedArrayBuffer(4 * items.length));
  const rated = new Float32Array(new SharedArrayBuffer(4 * items.length));
  for (let user = 0; user + 1 < offsets.length; user++) {
    for (let row = offsets[user]!; row < offsets[user + 1]!; row++) {
      const at = next[items[row]!]!++;
      users[at] = user;
      rated[at] = values[row]!;
    }
  }
  return { offsets: starts, items: users, values: rated };
};
