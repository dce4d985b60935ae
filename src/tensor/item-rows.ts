/** Rows first … first + count − 1 of a sparse tensor, each `size` elements; the rest as the kernels' contract has it. */
export type ItemRows = {
  readonly first: number;
  readonly count: number;
  readonly size: number;
  readonly slotOf: number;
  readonly due: number;
  readonly g: number;
};

export type EachItem = (rows: ItemRows, step: (at: number, gradient: number, item: number) => void) => void;

/** The states of a row in `due`. A row that is due is taken by one caller alone, who makes it up to date. */
export const UP_TO_DATE = 0;
export const DUE = 1;
const TAKEN = 2;

/** Reference of what the passes over rows share (assembly/items.ts): one call for each row to step, with its byte offset and gradient. */
export const createItemRows =
  (memory: WebAssembly.Memory): EachItem =>
  ({ first, count, size, slotOf, due, g }, step) => {
    const end = first + count;
    const slots = new Int32Array(memory.buffer, slotOf, slotOf === 0 ? 0 : end);
    const states = new Int32Array(memory.buffer, due, due === 0 ? 0 : end);
    for (let i = first; i < end; i++) {
      if (due !== 0 && Atomics.compareExchange(states, i, DUE, TAKEN) !== DUE) continue;
      const slot = slotOf === 0 ? -1 : slots[i]!;
      step(4 * i * size, slot < 0 ? 0 : g + 4 * slot * size, i);
      if (due !== 0) Atomics.store(states, i, UP_TO_DATE);
    }
  };
