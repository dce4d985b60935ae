import type { Facts } from '../port/definition.js';
import type { Engine } from '../port/engine.js';

/** Items of each user, ascending, aligned with the columns of the training part. */
const sortedItems = ({ offsets, items }: Facts['train']): Uint32Array => {
  const sorted = items.slice();
  for (let user = 0; user + 1 < offsets.length; user++) sorted.subarray(offsets[user]!, offsets[user + 1]!).sort();
  return sorted;
};

const firstAtLeast = (sorted: Uint32Array, from: number, end: number, item: number): number => {
  let [low, high] = [from, end];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < item) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** G = XᵀX into `out` (n, n), for X the 0/1 matrix of training interactions: G_ij counts the users of both items. Symmetric. */
export const countPairs = ({ items: n, train }: Facts, engine: Engine, out: Float32Array): void => {
  const sorted = sortedItems(train);
  const { offsets, ids } = engine.byItem();
  for (let item = 0; item < n; item++) {
    const row = out.subarray(item * n, (item + 1) * n);
    row.fill(0);
    for (let at = offsets[item]!; at < offsets[item + 1]!; at++) {
      const [from, end] = [train.offsets[ids[at]!]!, train.offsets[ids[at]! + 1]!];
      for (let r = firstAtLeast(sorted, from, end, item); r < end; r++) row[sorted[r]!]! += 1;
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) out[i * n + j] = out[j * n + i]!;
};
