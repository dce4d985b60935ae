import { countAt, pointerAt } from '../../../../tensor/assembly/structs';
import * as Factors from '../structs/factors';
import { dotOf } from './descend';

export function multiplyFactors(model: usize, first: i32, count: i32, decay: f64): f64 {
  const block = (<usize>countAt(model, Factors.k)) << 2, other = pointerAt(model, Factors.items);
  const ids = pointerAt(model, Factors.ids), values = pointerAt(model, Factors.values);
  const up = pointerAt(model, Factors.work), down = up + block, weight = f32x4.splat(<f32>decay), least = f32x4.splat(<f32>1e-9);
  let own = pointerAt(model, Factors.users) + <usize>first * block, offset = pointerAt(model, Factors.offsets) + ((<usize>first) << 2);
  let loss = 0.0;
  for (; count; count--, own += block, offset += 4) {
    const from = load<u32>(offset), end = load<u32>(offset, 4);
    if (from == end) continue;
    memory.fill(up, 0, block << 1);
    for (let r = (<usize>from) << 2, to = (<usize>end) << 2; r < to; r += 4) {
      const q = other + <usize>load<u32>(ids + r) * block, value = load<f32>(values + r), predicted = dotOf(block, own, q);
      const error = <f64>value - <f64>predicted;
      loss += error * error;
      const rated = f32x4.splat(value), model = f32x4.splat(predicted);
      for (let e: usize = 0; e < block; e += 16) {
        const x = v128.load(q + e);
        v128.store(up + e, f32x4.add(v128.load(up + e), f32x4.mul(rated, x)));
        v128.store(down + e, f32x4.add(v128.load(down + e), f32x4.mul(model, x)));
      }
    }
    for (let e: usize = 0; e < block; e += 16) {
      const p = v128.load(own + e), below = f32x4.add(f32x4.add(v128.load(down + e), f32x4.mul(weight, p)), least);
      v128.store(own + e, f32x4.div(f32x4.mul(p, v128.load(up + e)), below));
    }
  }
  return loss;
}
