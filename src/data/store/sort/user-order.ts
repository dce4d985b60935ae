import type { SortedUsers } from './sort.js';

/** Calls `take` for each user of the sorted partitions in the final order. */
export type UserOrder = (take: (partition: number, user: number) => void) => void;

/** Partition by partition: they are ranges of ids, in order. */
const inTurn =
  (partitions: readonly SortedUsers[]): UserOrder =>
  (take) => {
    for (const [p, { rows }] of partitions.entries()) for (let user = 0; user < rows.length; user++) take(p, user);
  };

/** A merge by a heap of the partitions, whose keys ascend within each, and are all different. Cost: O(users · log partitions). */
const merged =
  (keys: readonly Float64Array[]): UserOrder =>
  (take) => {
    const heap = Array.from(keys.keys()).filter((p) => keys[p]!.length > 0);
    const at = new Uint32Array(keys.length);
    const keyOf = (p: number): number => keys[p]![at[p]!]!;
    const sink = (from: number): void => {
      const p = heap[from]!;
      const key = keyOf(p);
      let place = from;
      for (;;) {
        let child = 2 * place + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && keyOf(heap[child + 1]!) < keyOf(heap[child]!)) child++;
        if (keyOf(heap[child]!) >= key) break;
        heap[place] = heap[child]!;
        place = child;
      }
      heap[place] = p;
    };
    for (let place = heap.length - 1; place >= 0; place--) sink(place);
    while (heap.length > 0) {
      const p = heap[0]!;
      take(p, at[p]!);
      at[p]!++;
      if (at[p] === keys[p]!.length) {
        const last = heap.pop()!;
        if (heap.length === 0) return;
        heap[0] = last;
      }
      sink(0);
    }
  };

/** `ranges`: partitions are ranges of ids. Then the columns of the sorted partitions are in their final order already. */
export const orderOfUsers = (partitions: readonly SortedUsers[], numeric: boolean, ranges: boolean): UserOrder =>
  numeric && ranges ? inTurn(partitions) : merged(partitions.map(({ integers, firstOf }) => (numeric ? integers! : firstOf!)));
