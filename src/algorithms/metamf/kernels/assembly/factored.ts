// A generated model on one device. f64x2 lanes are neighbouring units, embedding elements or outputs.
// So each number sees the operations of ../factored-reference.ts in their order, and has the same bits.
// Rows of matrices are padded to whole vectors.
import * as Factored from '../structs/factored';
import { countAt, pointerAt } from '../../../../tensor/assembly/structs';

export function predictFactored(model: usize, count: i32, row: usize, centre: f64, out: usize): void {
  const s = countAt(model, Factored.s), d = countAt(model, Factored.d), f = countAt(model, Factored.f), offset = countAt(model, Factored.offset);
  const low = pointerAt(model, Factored.low), dense = pointerAt(model, Factored.dense), work = pointerAt(model, Factored.work);
  const rank = padded(s), units = padded(f), b1 = dense + ((<usize>(s * d)) << 3) + <usize>d * units;
  const hidden = work + <usize>s * units;
  fold(s, d, units, dense, work);
  for (const end = row + ((<usize>count) << 2); row < end; row += 4, out += 4) {
    store<f32>(out, <f32>(centre + forward(s, units, low + <usize>load<u32>(row) * rank, offset, b1, work, hidden)));
  }
}

export function backwardFactored(model: usize, count: i32, rows: i32, row: usize, value: usize, centre: f64, gradient: usize): f64 {
  const s = countAt(model, Factored.s), d = countAt(model, Factored.d), f = countAt(model, Factored.f), offset = countAt(model, Factored.offset);
  const low = pointerAt(model, Factored.low), dense = pointerAt(model, Factored.dense), work = pointerAt(model, Factored.work);
  const rank = padded(s), units = padded(f), wide = padded(d);
  const w1 = dense + ((<usize>(s * d)) << 3), b1 = w1 + <usize>d * units, w2 = b1 + units;
  const folded = work, hidden = folded + <usize>s * units, dz = hidden + units, dFolded = dz + units, dB1 = dFolded + <usize>s * units, dW2 = dB1 + units;
  const foldedT = dW2 + units, w1T = foldedT + <usize>f * rank;
  const dRise = gradient + <usize>rows * (rank >> 1), dW1 = dRise + <usize>s * (wide >> 1), dB1Out = dW1 + <usize>d * (units >> 1);
  fold(s, d, units, dense, folded);
  transpose(s, f, units, folded, foldedT, rank);
  memory.fill(dFolded, 0, foldedT - dFolded);
  memory.fill(gradient, 0, dRise - gradient);
  let dB2 = 0.0, loss = 0.0;
  for (const end = row + ((<usize>count) << 2); row < end; row += 4, value += 4) {
    const at = <usize>load<u32>(row) * rank, item = low + at, dItem = gradient + (at >> 1);
    const error = centre + forward(s, units, item, offset, b1, folded, hidden) - <f64>load<f32>(value);
    loss += error * error;
    const upstream = 2 * error;
    dB2 += upstream;
    if (offset) store<f32>(dItem, <f32>(<f64>load<f32>(dItem) + upstream));
    const two = f64x2.splat(upstream), zero = f64x2.splat(0);
    for (let q: usize = 0; q < units; q += 16) {
      const h = v128.load(hidden + q), slope = v128.and(f64x2.mul(two, v128.load(w2 + q)), f64x2.ne(h, zero));
      v128.store(dW2 + q, f64x2.add(v128.load(dW2 + q), f64x2.mul(two, h)));
      v128.store(dz + q, slope);
      v128.store(dB1 + q, f64x2.add(v128.load(dB1 + q), slope));
    }
    for (let j: usize = 0; j < rank; j += 16) {
      let sum = f64x2.promote_low_f32x4(v128.load64_zero(dItem + (j >> 1)));
      for (let q = dz, at = foldedT + j, last = dz + ((<usize>f) << 3); q < last; q += 8, at += rank) {
        sum = f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(f64x2.add(sum, f64x2.mul(v128.load(at), v128.load64_splat(q)))));
      }
      v128.store64_lane(dItem + (j >> 1), f32x4.demote_f64x2_zero(sum), 0);
    }
    for (let j = item, g = dFolded, last = item + ((<usize>s) << 3); j < last; j += 8) {
      const x = v128.load64_splat(j);
      for (let q: usize = 0; q < units; q += 16, g += 16) v128.store(g, f64x2.add(v128.load(g), f64x2.mul(x, v128.load(dz + q))));
    }
  }
  transpose(d, f, units, w1, w1T, wide);
  unfold(s, d, f, dense, w1T, dFolded, dRise, dW1);
  for (let q: usize = 0; q < units; q += 16) {
    v128.store64_lane(dB1Out + (q >> 1), f32x4.demote_f64x2_zero(v128.load(dB1 + q)), 0);
    v128.store64_lane(dB1Out + (units >> 1) + (q >> 1), f32x4.demote_f64x2_zero(v128.load(dW2 + q)), 0);
  }
  store<f32>(dB1Out + units, <f32>dB2);
  return loss;
}

/** Bytes of a row of so many float64, in whole vectors. */
// @ts-ignore: decorator
@inline
function padded(count: i32): usize {
  return (<usize>((count + 1) & ~1)) << 3;
}

/** folded = rise·w1. */
function fold(s: i32, d: i32, units: usize, rise: usize, folded: usize): void {
  const width = (<usize>d) << 3, w1 = rise + <usize>s * width;
  for (const end = w1; rise < end; rise += width, folded += units) {
    for (let q: usize = 0; q < units; q += 16) {
      let sum = f64x2.splat(0);
      for (let e = rise, at = w1 + q; e < rise + width; e += 8, at += units) sum = f64x2.add(sum, f64x2.mul(v128.load64_splat(e), v128.load(at)));
      v128.store(folded + q, sum);
    }
  }
}

/** ŷ without c_u. Writes h to `hidden`. A unit that the ReLU has set to zero adds −0, which changes no bit. */
function forward(s: i32, units: usize, item: usize, offset: i32, b1: usize, folded: usize, hidden: usize): f64 {
  const w2 = b1 + units, last = item + ((<usize>s) << 3), shut = f64x2.splat(-0.0), zero = f64x2.splat(0);
  let prediction = load<f64>(w2 + units) + (offset ? load<f64>(item) : 0);
  for (let q: usize = 0; q < units; q += 16) {
    let z = v128.load(b1 + q);
    for (let j = item, at = folded + q; j < last; j += 8, at += units) z = f64x2.add(z, f64x2.mul(v128.load64_splat(j), v128.load(at)));
    const open = f64x2.gt(z, zero), h = v128.and(z, open);
    v128.store(hidden + q, h);
    const terms = v128.bitselect(f64x2.mul(v128.load(w2 + q), h), shut, open);
    prediction = prediction + f64x2.extract_lane(terms, 0) + f64x2.extract_lane(terms, 1);
  }
  return prediction;
}

/** d(rise) = G·w1ᵀ and d(w1) = riseᵀ·G. */
function unfold(s: i32, d: i32, f: i32, rise: usize, w1T: usize, g: usize, dRise: usize, dW1: usize): void {
  const units = padded(f), wide = padded(d), width = (<usize>d) << 3, end = g + <usize>s * units;
  for (let row = g; row < end; row += units) {
    for (let e: usize = 0; e < wide; e += 16, dRise += 8) {
      let sum = f64x2.splat(0);
      for (let q = row, at = w1T + e, last = row + ((<usize>f) << 3); q < last; q += 8, at += wide) {
        sum = f64x2.add(sum, f64x2.mul(v128.load64_splat(q), v128.load(at)));
      }
      v128.store64_lane(dRise, f32x4.demote_f64x2_zero(sum), 0);
    }
  }
  for (const last = rise + width; rise < last; rise += 8) {
    for (let q: usize = 0; q < units; q += 16, dW1 += 8) {
      let sum = f64x2.splat(0);
      for (let row = g + q, weight = rise; row < end; row += units, weight += width) {
        sum = f64x2.add(sum, f64x2.mul(v128.load64_splat(weight), v128.load(row)));
      }
      v128.store64_lane(dW1, f32x4.demote_f64x2_zero(sum), 0);
    }
  }
}

/** out(columns, rows) = a(rows, columns)ᵀ, of rows `stride` and `outStride` bytes apart. */
function transpose(rows: i32, columns: i32, stride: usize, a: usize, out: usize, outStride: usize): void {
  for (let i = 0; i < rows; i++, a += stride, out += 8) {
    for (let at = a, to = out, end = a + ((<usize>columns) << 3); at < end; at += 8, to += outStride) store<f64>(to, load<f64>(at));
  }
}
