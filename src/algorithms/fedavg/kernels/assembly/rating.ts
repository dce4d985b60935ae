// ŷ = w2·ReLU(w1·(E[row] ⊙ p) + b1) + b2, and minibatch descent on it. A device's whole local epoch is one call: a call
// for each of its small products would cost more than the products. All of it stays in L1 except the item rows.
import { countAt, pointerAt } from '../../../../tensor/assembly/structs';
import * as Rated from '../structs/rated';

export function predictRatings(model: usize, count: i32, row: usize, out: usize): void {
  const d = countAt(model, Rated.d), f = countAt(model, Rated.f), block = (<usize>d) << 2;
  const items = pointerAt(model, Rated.items), w = pointerAt(model, Rated.w), work = pointerAt(model, Rated.work);
  for (const end = row + ((<usize>count) << 2); row < end; row += 4, out += 4) store<f32>(out, forward(d, f, items + <usize>load<u32>(row) * block, w, work));
}

export function descendRatings(model: usize, count: i32, batch: i32, row: usize, value: usize, rate: f64): f64 {
  const d = countAt(model, Rated.d), f = countAt(model, Rated.f), items = pointerAt(model, Rated.items), gItems = pointerAt(model, Rated.gItems);
  const w = pointerAt(model, Rated.w), g = pointerAt(model, Rated.g), work = pointerAt(model, Rated.work);
  const block = (<usize>d) << 2, dense = f * d + 2 * f + d + 4, descent = <f32>-rate;
  let loss = 0.0;
  for (let first = 0; first < count; first += batch) {
    const size = min(batch, count - first), from = row + ((<usize>first) << 2), end = from + ((<usize>size) << 2);
    for (let r = from, v = value + ((<usize>first) << 2); r < end; r += 4, v += 4) {
      const at = <usize>load<u32>(r) * block;
      const error = forward(d, f, items + at, w, work) - load<f32>(v);
      loss += <f64>error * <f64>error;
      backward(d, f, items + at, gItems + at, w, g, work, <f32>2 * error / <f32>size);
    }
    for (let r = from; r < end; r += 4) descend(d, items + <usize>load<u32>(r) * block, gItems + <usize>load<u32>(r) * block, descent);
    descend(dense, w, g, descent);
  }
  return loss;
}

/** Leaves x = E[row] ⊙ p and h = ReLU(z) in `work`, in that order. */
function forward(d: i32, f: i32, item: usize, w: usize, work: usize): f32 {
  const block = (<usize>d) << 2, units = (<usize>f) << 2;
  const b1 = w + block * <usize>f, w2 = b1 + units, b2 = w2 + units, user = b2 + 16, h = work + block;
  for (let e: usize = 0; e < block; e += 16) v128.store(work + e, f32x4.mul(v128.load(item + e), v128.load(user + e)));
  let prediction = f32x4.splat(0);
  for (let q: usize = 0; q < units; q += 16, w += block << 2) {
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    for (let e: usize = 0, at = w; e < block; e += 16, at += 16) {
      const x = v128.load(work + e);
      s0 = f32x4.add(s0, f32x4.mul(x, v128.load(at)));
      s1 = f32x4.add(s1, f32x4.mul(x, v128.load(at + block)));
      s2 = f32x4.add(s2, f32x4.mul(x, v128.load(at + block * 2)));
      s3 = f32x4.add(s3, f32x4.mul(x, v128.load(at + block * 3)));
    }
    const low01 = v128.shuffle<f32>(s0, s1, 0, 4, 1, 5), high01 = v128.shuffle<f32>(s0, s1, 2, 6, 3, 7);
    const low23 = v128.shuffle<f32>(s2, s3, 0, 4, 1, 5), high23 = v128.shuffle<f32>(s2, s3, 2, 6, 3, 7);
    const even = f32x4.add(v128.shuffle<f32>(low01, low23, 0, 1, 4, 5), v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
    const odd = f32x4.add(v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
    const z = f32x4.add(v128.load(b1 + q), f32x4.add(even, odd));
    // max keeps NaN. Diverged training then stays visible.
    const activated = f32x4.max(z, f32x4.splat(0));
    v128.store(h + q, activated);
    prediction = f32x4.add(prediction, f32x4.mul(v128.load(w2 + q), activated));
  }
  return load<f32>(b2) + (f32x4.extract_lane(prediction, 0) + f32x4.extract_lane(prediction, 1) + (f32x4.extract_lane(prediction, 2) + f32x4.extract_lane(prediction, 3)));
}

/** Adds upstream · ∂ŷ to the gradients, for the rating that `forward` saw last. A unit whose ReLU is shut costs nothing. */
function backward(d: i32, f: i32, item: usize, gItem: usize, w: usize, g: usize, work: usize, upstream: f32): void {
  const block = (<usize>d) << 2, units = (<usize>f) << 2, b1 = block * <usize>f, w2 = b1 + units, b2 = w2 + units, user = b2 + 16;
  const h = work + block, dx = h + units;
  store<f32>(g + b2, load<f32>(g + b2) + upstream);
  memory.fill(dx, 0, block);
  for (let q: usize = 0, row: usize = 0; q < units; q += 4, row += block) {
    const activated = load<f32>(h + q);
    if (activated == 0) continue;
    store<f32>(g + w2 + q, load<f32>(g + w2 + q) + upstream * activated);
    const dz = upstream * load<f32>(w + w2 + q), four = f32x4.splat(dz);
    store<f32>(g + b1 + q, load<f32>(g + b1 + q) + dz);
    for (let e: usize = 0; e < block; e += 16) {
      v128.store(g + row + e, f32x4.add(v128.load(g + row + e), f32x4.mul(four, v128.load(work + e))));
      v128.store(dx + e, f32x4.add(v128.load(dx + e), f32x4.mul(four, v128.load(w + row + e))));
    }
  }
  for (let e: usize = 0; e < block; e += 16) {
    const slope = v128.load(dx + e);
    v128.store(gItem + e, f32x4.add(v128.load(gItem + e), f32x4.mul(slope, v128.load(w + user + e))));
    v128.store(g + user + e, f32x4.add(v128.load(g + user + e), f32x4.mul(slope, v128.load(item + e))));
  }
}

/** w += descent · g, and g = 0. */
function descend(count: i32, w: usize, g: usize, descent: f32): void {
  const four = f32x4.splat(descent), zero = f32x4.splat(0);
  for (const end = w + ((<usize>count) << 2); w < end; w += 16, g += 16) {
    v128.store(w, f32x4.add(v128.load(w), f32x4.mul(four, v128.load(g))));
    v128.store(g, zero);
  }
}
