// One pass over all ratings is one call. A user's vector stays in L1 for all of its ratings, and the item rows stay in L2.
import { countAt, fourOf, pointerAt, realAt } from '../../../../tensor/assembly/structs';
import * as Descent from '../structs/descent';
import * as Factors from '../structs/factors';

export function descendFactors(model: usize, count: i32, order: usize, hyper: usize): f64 {
  const block = (<usize>countAt(model, Factors.k)) << 2;
  const users = pointerAt(model, Factors.users), items = pointerAt(model, Factors.items), y = pointerAt(model, Factors.implicit);
  const userBias = pointerAt(model, Factors.userBias), itemBias = pointerAt(model, Factors.itemBias);
  const offsets = pointerAt(model, Factors.offsets), ids = pointerAt(model, Factors.ids), values = pointerAt(model, Factors.values);
  const work = pointerAt(model, Factors.work), gradient = work + block;
  const userWeight = pointerAt(model, Factors.userWeight), itemWeight = pointerAt(model, Factors.itemWeight);
  const mean = <f32>realAt(hyper, Descent.mean), rate = <f32>realAt(hyper, Descent.rate);
  const shrink = fourOf(1 - realAt(hyper, Descent.rate) * realAt(hyper, Descent.decay)), biasDecay = <f32>realAt(hyper, Descent.biasDecay);
  const decay = <f32>realAt(hyper, Descent.decay);
  let loss = 0.0;
  for (const last = order + ((<usize>count) << 2); order < last; order += 4) {
    const user = <usize>load<u32>(order), p = users + user * block, bu = userBias + (user << 2);
    const from = <usize>load<u32>(offsets + (user << 2)), end = <usize>load<u32>(offsets + (user << 2), 4);
    if (from == end) continue;
    const own: f32 = userWeight ? load<f32>(userWeight + (user << 2)) : 1;
    if (own == 0) continue;
    const norm = <f32>(1 / Math.sqrt(<f64>(end - from)));
    if (y) {
      sumImplicit(block, y, ids + (from << 2), ids + (end << 2), norm, work);
      memory.fill(gradient, 0, block);
    }
    for (let r = from << 2, to = end << 2; r < to; r += 4) {
      const item = <usize>load<u32>(ids + r), q = items + item * block, bi = itemBias + (item << 2);
      const weight: f32 = userWeight ? own * load<f32>(itemWeight + (item << 2)) : 1;
      if (weight == 0) continue;
      let error = load<f32>(values + r) - mean - (y ? dotOfSum(block, q, p, work) : dotOf(block, q, p));
      if (userBias) error -= load<f32>(bu) + load<f32>(bi);
      loss += <f64>weight * <f64>error * <f64>error;
      const step = rate * weight, kept = userWeight ? f32x4.splat(1 - step * decay) : shrink;
      if (userBias) {
        store<f32>(bu, load<f32>(bu) + step * (error - biasDecay * load<f32>(bu)));
        store<f32>(bi, load<f32>(bi) + step * (error - biasDecay * load<f32>(bi)));
      }
      if (y) stepWithSum(block, p, q, work, gradient, weight * error, step * error, kept);
      else stepBoth(block, p, q, step * error, kept);
    }
    if (y) {
      const scale = rate * norm, keep = <f32>1 - rate * <f32>realAt(hyper, Descent.implicitDecay) * <f32>(end - from);
      for (let r = from << 2, to = end << 2; r < to; r += 4) fade(block, y + <usize>load<u32>(ids + r) * block, gradient, scale, max<f32>(keep, 0));
    }
  }
  return loss;
}

export function implicitUsers(model: usize, first: i32, count: i32, out: usize): void {
  const block = (<usize>countAt(model, Factors.k)) << 2, y = pointerAt(model, Factors.implicit), ids = pointerAt(model, Factors.ids);
  let p = pointerAt(model, Factors.users) + <usize>first * block, offset = pointerAt(model, Factors.offsets) + ((<usize>first) << 2);
  for (; count; count--, p += block, offset += 4, out += block) {
    const from = <usize>load<u32>(offset), end = <usize>load<u32>(offset, 4);
    memory.fill(out, 0, block);
    if (end > from) sumImplicit(block, y, ids + (from << 2), ids + (end << 2), <f32>(1 / Math.sqrt(<f64>(end - from))), out);
    for (let e: usize = 0; e < block; e += 16) v128.store(out + e, f32x4.add(v128.load(out + e), v128.load(p + e)));
  }
}

/** out = norm · Σ y over the items at `id` … `end`. */
function sumImplicit(block: usize, y: usize, id: usize, end: usize, norm: f32, out: usize): void {
  memory.fill(out, 0, block);
  for (; id < end; id += 4) {
    const row = y + <usize>load<u32>(id) * block;
    for (let e: usize = 0; e < block; e += 16) v128.store(out + e, f32x4.add(v128.load(out + e), v128.load(row + e)));
  }
  const four = f32x4.splat(norm);
  for (let e: usize = 0; e < block; e += 16) v128.store(out + e, f32x4.mul(four, v128.load(out + e)));
}

// @ts-ignore: decorator
@inline
function total(s: v128): f32 {
  return f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 1) + (f32x4.extract_lane(s, 2) + f32x4.extract_lane(s, 3));
}

// @ts-ignore: decorator
@inline
export function dotOf(block: usize, x: usize, z: usize): f32 {
  let s = f32x4.splat(0), t = s;
  const end = x + (block & ~31);
  for (; x < end; x += 32, z += 32) {
    s = f32x4.add(s, f32x4.mul(v128.load(x), v128.load(z)));
    t = f32x4.add(t, f32x4.mul(v128.load(x, 16), v128.load(z, 16)));
  }
  if (block & 16) s = f32x4.add(s, f32x4.mul(v128.load(x), v128.load(z)));
  return total(f32x4.add(s, t));
}

/** q · (p + sum). */
// @ts-ignore: decorator
@inline
function dotOfSum(block: usize, q: usize, p: usize, sum: usize): f32 {
  let s = f32x4.splat(0), t = s;
  const end = q + (block & ~31);
  for (; q < end; q += 32, p += 32, sum += 32) {
    s = f32x4.add(s, f32x4.mul(v128.load(q), f32x4.add(v128.load(p), v128.load(sum))));
    t = f32x4.add(t, f32x4.mul(v128.load(q, 16), f32x4.add(v128.load(p, 16), v128.load(sum, 16))));
  }
  if (block & 16) s = f32x4.add(s, f32x4.mul(v128.load(q), f32x4.add(v128.load(p), v128.load(sum))));
  return total(f32x4.add(s, t));
}

// @ts-ignore: decorator
@inline
function stepBoth(block: usize, p: usize, q: usize, scale: f32, shrink: v128): void {
  const four = f32x4.splat(scale);
  for (const end = p + block; p < end; p += 16, q += 16) {
    const a = v128.load(p), b = v128.load(q);
    v128.store(p, f32x4.add(f32x4.mul(shrink, a), f32x4.mul(four, b)));
    v128.store(q, f32x4.add(f32x4.mul(shrink, b), f32x4.mul(four, a)));
  }
}

// @ts-ignore: decorator
@inline
function stepWithSum(block: usize, p: usize, q: usize, sum: usize, gradient: usize, error: f32, scale: f32, shrink: v128): void {
  const four = f32x4.splat(scale), e = f32x4.splat(error);
  for (const end = p + block; p < end; p += 16, q += 16, sum += 16, gradient += 16) {
    const a = v128.load(p), b = v128.load(q);
    v128.store(gradient, f32x4.add(v128.load(gradient), f32x4.mul(e, b)));
    v128.store(p, f32x4.add(f32x4.mul(shrink, a), f32x4.mul(four, b)));
    v128.store(q, f32x4.add(f32x4.mul(shrink, b), f32x4.mul(four, f32x4.add(a, v128.load(sum)))));
  }
}

/** y = keep·y + scale·g. */
// @ts-ignore: decorator
@inline
function fade(block: usize, y: usize, g: usize, scale: f32, keep: f32): void {
  const four = f32x4.splat(scale), kept = f32x4.splat(keep);
  for (const end = y + block; y < end; y += 16, g += 16) v128.store(y, f32x4.add(f32x4.mul(kept, v128.load(y)), f32x4.mul(four, v128.load(g))));
}
