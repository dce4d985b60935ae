import { rowOf } from '../../algorithms/port/rows.js';
import type { Observation } from './observation.js';
import type { Shifted } from './offset.js';

/** s, d, f of MetaMF, and whether the first number of an item's embedding is added to its predictions. */
export type MetaMFShape = { readonly s: number; readonly d: number; readonly f: number; readonly hasOffset: boolean };

/** A = items_rise·w1 (s, f). */
const fold = (rise: Float32Array, w1: Float32Array, { s, d, f }: MetaMFShape): Float64Array => {
  const folded = new Float64Array(s * f);
  for (let j = 0; j < s; j++)
    for (let q = 0; q < f; q++) for (let e = 0; e < d; e++) folded[j * f + q]! += rise[j * d + e]! * w1[e * f + q]!;
  return folded;
};

/** An item's ŷ − c_u, and ∂ŷ/∂items_low[i] (s). */
type Slope = { readonly prediction: number; readonly slope: Float64Array };

const slopeAt = (
  { tensors: [, , , b1, w2, b2] }: Observation['model'],
  folded: Float64Array,
  low: Float32Array,
  shape: MetaMFShape,
): Slope => {
  const { s, f, hasOffset } = shape;
  const slope = new Float64Array(s);
  let prediction = b2![0]! + (hasOffset ? low[0]! : 0);
  if (hasOffset) slope[0] = 1;
  for (let q = 0; q < f; q++) {
    let z = b1![q]!;
    for (let j = 0; j < s; j++) z += low[j]! * folded[j * f + q]!;
    if (z <= 0) continue;
    prediction += w2![q]! * z;
    for (let j = 0; j < s; j++) slope[j]! += w2![q]! * folded[j * f + q]!;
  }
  return { prediction, slope };
};

/** How much shorter the update is than the errors say: 1, unless a step has clipped it. Σ of the squared errors travels with the update. */
export const shrinkOf = (errors: Float64Array, said: Observation['said']): number => {
  const squares = errors.reduce((sum, error) => sum + error * error, 0);
  return said === null || !(said.loss > 0) || squares === 0 ? 1 : Math.sqrt(squares / said.loss);
};

/**
 * MetaMF sends ∂loss/∂items_low[i] = 2·(ŷ − r)·∂ŷ/∂items_low[i] for each item i of the batch. The coordinator made the model and knows ∂ŷ. So the row's
 * projection on it is the error, whatever else is in the batch. `noise`: standard deviation of what steps add to every number.
 */
export const invertMetaMF = (seen: Observation, items: Uint32Array, shape: MetaMFShape, noise: number): Shifted => {
  const [low, rise, w1] = seen.model.tensors;
  const folded = fold(rise!, w1!, shape);
  const { s } = shape;
  const [errors, predictions, deviations] = [0, 0, 0].map(() => new Float64Array(items.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  items.forEach((item, index) => {
    const at = rowOf(seen.model.rows, item) * s;
    const { prediction, slope } = slopeAt(seen.model, folded, low!.subarray(at, at + s), shape);
    const row = rowOf(seen.rows, item) * s;
    const square = slope.reduce((sum, value) => sum + value * value, 0);
    const product = slope.reduce((sum, value, j) => sum + value * seen.tensors[0]![row + j]!, 0);
    predictions[index] = prediction;
    errors[index] = square === 0 ? 0 : product / (2 * square);
    deviations[index] = square === 0 ? Number.POSITIVE_INFINITY : noise / (2 * Math.sqrt(square));
  });
  const shrink = shrinkOf(errors, seen.said);
  return { values: predictions.map((prediction, index) => prediction - errors[index]! / shrink), deviations };
};
