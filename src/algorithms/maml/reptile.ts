import { addRowGradients, errorsOf, type ItemRows, type Records, squares, userGradient, zeroRows } from './model.js';

export type Descended = {
  /** The user part after the last step. */
  readonly w: Float64Array;
  /** Σ (ŷ − r)² before the first step. */
  readonly loss: number;
  /** Sums of the steps' gradients. */
  readonly sums: { readonly items: ItemRows; readonly start: Float64Array };
};

const subtract = (rate: number, gradient: Float64Array, values: Float64Array, sum: Float64Array): void => {
  for (let at = 0; at < values.length; at++) {
    values[at]! -= rate * gradient[at]!;
    sum[at]! += gradient[at]!;
  }
};

/**
 * The inner steps of Reptile (Nichol et al., "On First-Order Meta-Learning Algorithms", 2018, section 2): gradient descent of the whole model on
 * some records. It changes `items`, which are the device's own copies.
 */
export const descend = (items: ItemRows, records: Records, start: Float64Array, rate: number, steps: number): Descended => {
  const w = start.slice();
  const sums = { items: zeroRows(items.offsets.length, items.width), start: new Float64Array(w.length) };
  let loss = 0;
  for (let step = 0; step < steps; step++) {
    const errors = errorsOf(items, records, w);
    if (step === 0) loss = squares(errors);
    const [slope, gradient] = [userGradient(items, records, errors), zeroRows(items.offsets.length, items.width)];
    addRowGradients(items, records, errors, w, 0, gradient);
    subtract(rate, gradient.vectors, items.vectors, sums.items.vectors);
    subtract(rate, gradient.offsets, items.offsets, sums.items.offsets);
    subtract(rate, slope, w, sums.start);
  }
  return { w, loss, sums };
};
