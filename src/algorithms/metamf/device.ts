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

/** Room for one pass after another: a device's own arrays are small, and cost more to collect than to fill. */
type Work = {
  readonly sizes: Sizes;
  readonly folded: Float64Array;
  readonly hidden: Float64Array;
  readonly dz: Float64Array;
  readonly dFolded: Float64Array;
  readonly dW1: Float64Array;
  readonly dB1: Float64Array;
  readonly dW2: Float64Array;
};

const createWork = (sizes: Sizes): Work => {
  const { s, d, f } = sizes;
  const floats = (count: number) => new Float64Array(count);
  const gradients = { dFolded: floats(s * f), dW1: floats(d * f), dB1: floats(f), dW2: floats(f) };
  return { sizes, folded: floats(s * f), hidden: floats(f), dz: floats(f), ...gradients };
};

const fold = (rise: Float32Array, w1: Float32Array, { folded, sizes: { s, d, f } }: Work): void => {
  folded.fill(0);
  for (let j = 0; j < s; j++) {
    for (let e = 0; e < d; e++) {
      const weight = rise[j * d + e]!;
      for (let q = 0; q < f; q++) folded[j * f + q]! += weight * w1[e * f + q]!;
    }
  }
};

type Forward = Work & { readonly low: Float32Array; readonly b1: Float32Array; readonly w2: Float32Array; readonly b2: Float32Array };

const start = ({ tensors: [low, rise, w1, b1, w2, b2] }: LocalModel, work: Work): Forward => {
  fold(rise!, w1!, work);
  return { ...work, low: low!, b1: b1!, w2: w2!, b2: b2! };
};

/** ŷ, without c_u, of the item whose embedding is row `row`; leaves h in `hidden`. */
const forward = ({ low, b1, w2, b2, sizes: { s, f, itemOffset }, folded, hidden }: Forward, row: number): number => {
  hidden.set(b1);
  for (let j = 0; j < s; j++) {
    const value = low[row * s + j]!;
    for (let q = 0; q < f; q++) hidden[q]! += value * folded[j * f + q]!;
  }
  let prediction = b2[0]! + (itemOffset ? low[row * s]! : 0);
  for (let q = 0; q < f; q++) {
    if (hidden[q]! > 0) prediction += w2[q]! * hidden[q]!;
    else hidden[q] = 0;
  }
  return prediction;
};

/** d(rise) = G·w1ᵀ, into `dRise`, and d(w1) = riseᵀ·G. */
const unfold = (dRise: Float32Array, rise: Float32Array, w1: Float32Array, { dFolded, dW1, sizes: { s, d, f } }: Work): void => {
  dW1.fill(0);
  for (let j = 0; j < s; j++) {
    for (let e = 0; e < d; e++) {
      const weight = rise[j * d + e]!;
      let sum = 0;
      for (let q = 0; q < f; q++) {
        const g = dFolded[j * f + q]!;
        sum += g * w1[e * f + q]!;
        dW1[e * f + q]! += weight * g;
      }
      dRise[j * d + e] = sum;
    }
  }
};

/** The gradients of all tensors, zero, one behind the other in one piece of memory. */
const gradientsFor = (rows: number, { s, d, f }: Sizes): Float32Array[] => {
  const lengths = [rows * s, s * d, d * f, f, f, 1];
  const all = new Float32Array(lengths.reduce((sum, length) => sum + length, 0));
  let end = 0;
  return lengths.map((length) => {
    end += length;
    return all.subarray(end - length, end);
  });
};

const backward = (model: LocalModel, work: Work, batch: LocalRatings, centre: number): LocalUpdate => {
  const { s, f, itemOffset } = work.sizes;
  const [low, rise, w1, , w2] = model.tensors;
  const pass = start(model, work);
  const { folded, hidden, dz, dFolded, dB1, dW2 } = work;
  for (const sums of [dFolded, dB1, dW2]) sums.fill(0);
  const rows = distinctRows(batch.items);
  const tensors = gradientsFor(rows.length, work.sizes);
  const dLow = tensors[0]!;
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
      dW2[q]! += dPrediction * hidden[q]!;
      dz[q] = hidden[q] === 0 ? 0 : dPrediction * w2![q]!;
      dB1[q]! += dz[q]!;
    }
    for (let j = 0; j < s; j++) {
      const value = low![row + j]!;
      let sum = dLow[out + j]!;
      for (let q = 0; q < f; q++) {
        sum = Math.fround(sum + folded[j * f + q]! * dz[q]!);
        dFolded[j * f + q]! += value * dz[q]!;
      }
      dLow[out + j] = sum;
    }
  }
  unfold(tensors[1]!, rise!, w1!, work);
  tensors[2]!.set(work.dW1);
  tensors[3]!.set(dB1);
  tensors[4]!.set(dW2);
  tensors[5]![0] = dB2;
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
  const work = createWork({ s, d, f, itemOffset: options.itemOffset === 'first-column' });
  const centreOf = createCentre(world, options);
  return {
    update: (model, train, batch) => backward(model, work, batch, centreOf(train)),
    // fold, d(rise) and d(w1) once, s·f·d each; a rating's z, A-gradient and row gradient, s·f each, and its h, w2 and b1.
    operations: ({ items }) => 2 * (3 * s * f * d + items.length * (3 * s * f + 4 * f)),
    predict: (model, train, items) => {
      const pass = start(model, work);
      const centre = centreOf(train);
      return Float32Array.from(items, (item) => centre + forward(pass, rowOf(model.rows, item)));
    },
  };
};
