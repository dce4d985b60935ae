import type { Arena } from './arena.js';

/** A buffer in a kernel memory that grows to the largest size asked for. It loses its content when it grows. */
export type Scratch = {
  readonly pointer: number;
  /** Room for `count` 4-byte elements; returns the pointer. */
  reserve(count: number): number;
};

export const createScratch = (arena: Arena): Scratch => {
  let capacity = 0;
  let pointer = 0;
  return {
    get pointer() {
      return pointer;
    },
    reserve: (count) => {
      if (count > capacity) {
        capacity = Math.max(count, Math.min(2 * capacity, count + (1 << 20)));
        pointer = arena.allocate(capacity);
      }
      return pointer;
    },
  };
};
