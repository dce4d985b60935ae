/** Rows first … first + count − 1 of a sparse tensor, each `size` elements. */
type Rows = { readonly first: number; readonly count: number; readonly size: number };

/** Where the rows' gradients are, as the kernels' contract has it. */
type ItemRows = Rows & { readonly slotOf: number; readonly g: number };

/** Where rows say how many steps they have behind them, up to which one they are to be stepped, and where the steps are written down. */
type OwedRows = Rows & { readonly made: number; readonly last: number; readonly steps: number };

export type RowPasses = {
  /** Calls once for each row to step, with its byte offset and gradient. */
  readonly eachItem: (rows: ItemRows, step: (at: number, gradient: number, item: number) => void) => void;
  /** Calls once for each step that a row owes, in order, with the step's hyperparameters. */
  readonly eachOwed: (rows: OwedRows, step: (at: number, hyperparameters: Float64Array, item: number) => void) => void;
};

/** So many steps are written down: the last ones, step t at t mod KEPT_STEPS. */
export const KEPT_STEPS = 8;
/** Hyperparameters of a step: at most so many. */
export const STEP_NUMBERS = 8;

/** In `made`, of a row that a caller is at. */
const TAKEN = -1;

/** Reference of what the passes over rows share (assembly/items.ts). */
export const createRowPasses = (memory: WebAssembly.Memory): RowPasses => ({
  eachItem: ({ first, count, size, slotOf, g }, step) => {
    const end = first + count;
    const slots = new Int32Array(memory.buffer, slotOf, end);
    for (let i = first; i < end; i++) step(4 * i * size, slots[i]! < 0 ? 0 : g + 4 * slots[i]! * size, i);
  },
  eachOwed: ({ first, count, size, made, last, steps }, step) => {
    const end = first + count;
    const counts = new Int32Array(memory.buffer, made, end);
    const written = new Float64Array(memory.buffer, steps, KEPT_STEPS * STEP_NUMBERS);
    for (let i = first; i < end; i++) {
      const before = Atomics.load(counts, i);
      if (before === TAKEN || before >= last || Atomics.compareExchange(counts, i, before, TAKEN) !== before) continue;
      for (let t = before + 1; t <= last; t++) step(4 * i * size, written.subarray((t % KEPT_STEPS) * STEP_NUMBERS), i);
      Atomics.store(counts, i, last);
    }
  },
});
