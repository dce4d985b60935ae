import type { LocalModel } from '../port/client.js';
import { rowOf } from '../port/rows.js';
import type { Decays, Rates, Trainer } from './trainer.js';

/**
 * Biased matrix factorization (Koren et al., 2009), ŷ = c_u + b_u + B[i] + E[i]·p_u, whose user part is private. Float32 storage, float64 arithmetic.
 * A minibatch of m ratings with errors e = ŷ − r takes one step of gradient descent; the user part is stepped last:
 *
 *   E[i] −= rate_items·2/m·(e·p_u + λ_item·E[i])     p_u −= rate_user·2·(Σ e·E[i] / m + λ_user·p_u)
 *   B[i] −= rate_items·2/m·(e + λ_item·B[i])         b_u −= rate_user·2·(Σ e / m + λ_user·b_u)
 */
type Weights = { readonly items: Float32Array; readonly offsets: Float32Array; readonly own: Float32Array };

/** p_u·E[row] + B[row] + b_u; own is (b_u, p_u). */
const scoreOf = ({ items, offsets, own }: Weights, row: number, d: number): number => {
  let score = own[0]! + offsets[row]!;
  const at = row * d;
  for (let e = 0; e < d; e++) score += items[at + e]! * own[e + 1]!;
  return score;
};

type DotStep = {
  readonly d: number;
  readonly rates: Rates;
  readonly decays: Decays;
  readonly errors: Float64Array;
  readonly gradient: Float64Array;
};

/** One step on ratings from … end − 1, no item among them twice. Returns Σ e². `errors` and `gradient` are room. */
const stepDot = (
  { d, rates, decays, errors, gradient }: DotStep,
  weights: Weights,
  rows: Uint32Array,
  values: Float32Array,
  from: number,
  end: number,
): number => {
  const { items, offsets, own } = weights;
  const count = end - from;
  const itemRate = (2 * rates.items) / count;
  let squared = 0;
  gradient.fill(0);
  for (let r = from; r < end; r++) {
    const row = rows[r]!;
    const error = scoreOf(weights, row, d) - values[r]!;
    errors[r - from] = error;
    squared += error * error;
    gradient[0]! += error;
    const at = row * d;
    for (let e = 0; e < d; e++) gradient[e + 1]! += error * items[at + e]!;
  }
  for (let r = from; r < end; r++) {
    const row = rows[r]!;
    const error = errors[r - from]!;
    const at = row * d;
    offsets[row]! -= itemRate * (error + decays.items * offsets[row]!);
    for (let e = 0; e < d; e++) items[at + e]! -= itemRate * (error * own[e + 1]! + decays.items * items[at + e]!);
  }
  for (let e = 0; e <= d; e++) own[e]! -= 2 * rates.own * (gradient[e]! / count + decays.own * own[e]!);
  return squared;
};

/** Rows of a tensor of the model, `width` numbers each, one behind the other. */
const gather = ({ rows, tensors }: LocalModel, tensor: number, wanted: Uint32Array, width: number, into: Float32Array): void => {
  const all = tensors[tensor]!;
  for (let index = 0; index < wanted.length; index++) {
    const [from, to] = [rowOf(rows, wanted[index]!) * width, index * width];
    for (let e = 0; e < width; e++) into[to + e] = all[from + e]!;
  }
};

export const createDotTrainer = (d: number, rates: Rates, decays: Decays): Trainer => {
  let step: DotStep = { d, rates, decays, errors: new Float64Array(), gradient: new Float64Array(d + 1) };
  let weights: Weights = { items: new Float32Array(), offsets: new Float32Array(), own: new Float32Array(d + 1) };
  let rows = new Uint32Array();
  let values = new Float32Array();

  const difference = (model: LocalModel, wanted: Uint32Array, tensor: number, width: number, now: Float32Array): Float32Array => {
    const out = new Float32Array(wanted.length * width);
    gather(model, tensor, wanted, width, out);
    for (let i = 0; i < out.length; i++) out[i] = now[i]! - out[i]!;
    return out;
  };

  return {
    privateSize: d + 1,
    load: (model, wanted, own, count) => {
      if (count > values.length) {
        rows = new Uint32Array(count);
        values = new Float32Array(count);
        step = { ...step, errors: new Float64Array(count) };
      }
      weights = { items: new Float32Array(wanted.length * d), offsets: new Float32Array(wanted.length), own: own.slice(0, d + 1) };
      gather(model, 0, wanted, d, weights.items);
      gather(model, 1, wanted, 1, weights.offsets);
    },
    list: () => ({ rows, values }),
    descend: (from, end, batch) => {
      let squared = 0;
      for (let at = from; at < end; at += batch) squared += stepDot(step, weights, rows, values, at, Math.min(end, at + batch));
      return squared;
    },
    predict: (count) => Float32Array.from({ length: count }, (_, r) => scoreOf(weights, rows[r]!, d)),
    pieces: () => [
      { weights: weights.items, rate: rates.items, width: d },
      { weights: weights.offsets, rate: rates.items, width: 1 },
    ],
    arrange: (tensors) => tensors,
    read: (model, wanted) => ({
      tensors: [difference(model, wanted, 0, d, weights.items), difference(model, wanted, 1, 1, weights.offsets)],
      own: weights.own.slice(),
    }),
  };
};
