import type { DeviceHalf, LocalModel, LocalRatings, LocalUpdate, World } from '../algorithm.js';
import { distinctRows, rowOf } from '../rows.js';
import { type MetaMFOptions, middleRating } from './options.js';

/**
 * The device half: the rating-prediction model (eq. 6, 7), its loss (eq. 8, summed over the batch) and the gradient of
 * that sum with respect to Φ_u.
 *
 *   A = items_rise·w1 (s, f), once per model     z = items_low[i]·A + b1     h = ReLU(z)     ŷ = w2·h + b2 [+ items_low[i, 0]] [+ c_u]
 *
 * Folding rise and w1 into A leaves s·f multiplications a rating where the paper's order has (s + f)·d; the gradient
 * folds the same way: G = Σ_batch items_low[i]ᵀ·dz (s, f), then d(rise) = G·w1ᵀ and d(w1) = riseᵀ·G.
 * Arithmetic is float64 on float32 storage, in a fixed order.
 */
type Sizes = { readonly s: number; readonly d: number; readonly f: number; readonly itemOffset: boolean };

const fold = (rise: Float32Array, w1: Float32Array, { s, d, f }: Sizes): Float64Array => {
  const folded = new Float64Array(s * f);
  for (let j = 0; j < s; j++) {
    for (let e = 0; e < d; e++) {
      const weight = rise[j * d + e]!;
      for (let q = 0; q < f; q++) folded[j * f + q]! += weight * w1[e * f + q]!;
    }
  }
  return folded;
};

type Forward = { readonly model: LocalModel; readonly sizes: Sizes; readonly folded: Float64Array; readonly hidden: Float64Array };

const start = (model: LocalModel, sizes: Sizes): Forward => ({
  model,
  sizes,
  folded: fold(model.tensors[1]!, model.tensors[2]!, sizes),
  hidden: new Float64Array(sizes.f),
});

/** ŷ, without c_u, of the item whose embedding is row `row`; leaves h in `hidden`. */
const forward = ({ model, sizes: { s, f, itemOffset }, folded, hidden }: Forward, row: number): number => {
  const [low, , , b1, w2, b2] = model.tensors;
  let prediction = b2![0]! + (itemOffset ? low![row * s]! : 0);
  for (let q = 0; q < f; q++) {
    let z = b1![q]!;
    for (let j = 0; j < s; j++) z += low![row * s + j]! * folded[j * f + q]!;
    const activated = z > 0 ? z : 0;
    hidden[q] = activated;
    prediction += w2![q]! * activated;
  }
  return prediction;
};

/** d(rise) = G·w1ᵀ and d(w1) = riseᵀ·G. */
const unfold = (gradient: Float64Array, rise: Float32Array, w1: Float32Array, { s, d, f }: Sizes): [Float32Array, Float32Array] => {
  const dRise = new Float32Array(s * d);
  const dW1 = new Float64Array(d * f);
  for (let j = 0; j < s; j++) {
    for (let e = 0; e < d; e++) {
      const weight = rise[j * d + e]!;
      let sum = 0;
      for (let q = 0; q < f; q++) {
        const g = gradient[j * f + q]!;
        sum += g * w1[e * f + q]!;
        dW1[e * f + q]! += weight * g;
      }
      dRise[j * d + e] = sum;
    }
  }
  return [dRise, Float32Array.from(dW1)];
};

const backward = (model: LocalModel, sizes: Sizes, batch: LocalRatings, centre: number): LocalUpdate => {
  const { s, f, itemOffset } = sizes;
  const [low, rise, w1, , w2] = model.tensors;
  const pass = start(model, sizes);
  const rows = distinctRows(batch.items);
  const dLow = new Float32Array(rows.length * s);
  const dFolded = new Float64Array(s * f);
  const dB1 = new Float64Array(f);
  const dW2 = new Float64Array(f);
  let dB2 = 0;
  let loss = 0;
  for (let r = 0; r < batch.items.length; r++) {
    const item = batch.items[r]!;
    const row = rowOf(model.rows, item) * s;
    const error = centre + forward(pass, row / s) - batch.values[r]!;
    loss += error * error;
    const dPrediction = 2 * error;
    dB2 += dPrediction;
    const out = rowOf(rows, item) * s;
    if (itemOffset) dLow[out]! += dPrediction;
    for (let q = 0; q < f; q++) {
      const activated = pass.hidden[q]!;
      dW2[q]! += dPrediction * activated;
      if (activated === 0) continue;
      const dz = dPrediction * w2![q]!;
      dB1[q]! += dz;
      for (let j = 0; j < s; j++) {
        dLow[out + j]! += pass.folded[j * f + q]! * dz;
        dFolded[j * f + q]! += low![row + j]! * dz;
      }
    }
  }
  const [dRise, dW1] = unfold(dFolded, rise!, w1!, sizes);
  const tensors = [dLow, dRise, dW1, Float32Array.from(dB1), Float32Array.from(dW2), Float32Array.of(dB2)];
  return { count: batch.items.length, loss, rows, tensors };
};

/** c_u: what a device subtracts from her ratings before the model sees them. */
const createCentre = (world: World, { centring, centringDamping }: MetaMFOptions): ((train: LocalRatings) => number) => {
  if (centring === 'none') return () => 0;
  const middle = middleRating(world);
  return ({ values }) => {
    let sum = 0;
    for (const value of values) sum += value - middle;
    return middle + sum / Math.max(1, values.length + centringDamping);
  };
};

export const createDeviceHalf = (world: World, options: MetaMFOptions): DeviceHalf => {
  const { lowRank: s, itemEmbedding: d, units: f } = options;
  const sizes: Sizes = { s, d, f, itemOffset: options.itemOffset === 'first-column' };
  const centreOf = createCentre(world, options);
  return {
    update: (model, train, batch) => backward(model, sizes, batch, centreOf(train)),
    // fold, d(rise) and d(w1) once, s·f·d each; a rating's z, A-gradient and row gradient, s·f each, and its h, w2 and b1.
    operations: ({ items }) => 2 * (3 * s * f * d + items.length * (3 * s * f + 4 * f)),
    predict: (model, train, items) => {
      const pass = start(model, sizes);
      const centre = centreOf(train);
      return Float32Array.from(items, (item) => centre + forward(pass, rowOf(model.rows, item)));
    },
  };
};
