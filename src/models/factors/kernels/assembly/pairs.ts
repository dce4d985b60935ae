import { countAt, fourOf, pointerAt, realAt } from '../../../../tensor/assembly/structs';
import * as Descent from '../structs/descent';
import * as Factors from '../structs/factors';
import { expOf, logOfOneAnd } from './logistic';

export function descendPairs(model: usize, count: i32, user: usize, positive: usize, negative: usize, hyper: usize): f64 {
  const block = (<usize>countAt(model, Factors.k)) << 2;
  const users = pointerAt(model, Factors.users), items = pointerAt(model, Factors.items), bias = pointerAt(model, Factors.itemBias);
  const rate = <f32>realAt(hyper, Descent.rate), biasDecay = <f32>realAt(hyper, Descent.biasDecay);
  const shrink = fourOf(1 - realAt(hyper, Descent.rate) * realAt(hyper, Descent.decay));
  let loss = 0.0;
  for (const end = user + ((<usize>count) << 2); user < end; user += 4, positive += 4, negative += 4) {
    const i = <usize>load<u32>(positive), j = <usize>load<u32>(negative);
    const p = users + <usize>load<u32>(user) * block, qi = items + i * block, qj = items + j * block;
    const bi = bias + (i << 2), bj = bias + (j << 2);
    let margin = <f64>marginOf(block, p, qi, qj);
    if (bias) margin += <f64>(load<f32>(bi) - load<f32>(bj));
    const exponential = expOf(-Math.abs(margin));
    loss += logOfOneAnd(exponential) + max<f64>(-margin, 0);
    const slope = <f32>(margin > 0 ? exponential / (1 + exponential) : 1 / (1 + exponential));
    if (bias) {
      store<f32>(bi, load<f32>(bi) + rate * (slope - biasDecay * load<f32>(bi)));
      store<f32>(bj, load<f32>(bj) - rate * (slope + biasDecay * load<f32>(bj)));
    }
    step(block, p, qi, qj, f32x4.splat(rate * slope), shrink);
  }
  return loss;
}

/** p · (qi − qj). */
// @ts-ignore: decorator
@inline
function marginOf(block: usize, p: usize, qi: usize, qj: usize): f32 {
  let s = f32x4.splat(0);
  for (const end = p + block; p < end; p += 16, qi += 16, qj += 16)
    s = f32x4.add(s, f32x4.mul(v128.load(p), f32x4.sub(v128.load(qi), v128.load(qj))));
  return f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 1) + (f32x4.extract_lane(s, 2) + f32x4.extract_lane(s, 3));
}

// @ts-ignore: decorator
@inline
function step(block: usize, p: usize, qi: usize, qj: usize, scale: v128, shrink: v128): void {
  for (const end = p + block; p < end; p += 16, qi += 16, qj += 16) {
    const a = v128.load(p), b = v128.load(qi), c = v128.load(qj), towards = f32x4.mul(scale, a);
    v128.store(p, f32x4.add(f32x4.mul(shrink, a), f32x4.mul(scale, f32x4.sub(b, c))));
    v128.store(qi, f32x4.add(f32x4.mul(shrink, b), towards));
    v128.store(qj, f32x4.sub(f32x4.mul(shrink, c), towards));
  }
}
