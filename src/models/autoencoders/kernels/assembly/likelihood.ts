// Three passes over a row of logits, which L1 holds: its maximum, its exponentials and their sum, and the gradient.
import { exp4, sigmoid4 } from '../../../../tensor/assembly/activation';

export function softmaxLoss(count: i32, columns: i32, rows: usize, offsets: usize, ids: usize, logits: usize): f64 {
  const block = (<usize>columns) << 2;
  let loss = 0.0;
  for (let r = 0; r < count; r++, logits += block) {
    const at = offsets + ((<usize>load<u32>(rows + ((<usize>r) << 2))) << 2), start = ids + ((<usize>load<u32>(at)) << 2), end = ids + ((<usize>load<u32>(at + 4)) << 2);
    const most = maximum(block, logits);
    for (let id = start; id < end; id += 4) loss -= <f64>(load<f32>(logits + ((<usize>load<u32>(id)) << 2)) - most);
    const total = exponentials(block, logits, most), positives = <f64>((end - start) >> 2);
    loss += positives * log(total);
    scaleBy(block, logits, <f32>(positives / total));
    subtractOnes(start, end, logits);
  }
  return loss;
}

export function logisticLoss(count: i32, columns: i32, rows: usize, offsets: usize, ids: usize, logits: usize): f64 {
  const block = (<usize>columns) << 2;
  let loss = 0.0;
  for (let r = 0; r < count; r++, logits += block) {
    const at = offsets + ((<usize>load<u32>(rows + ((<usize>r) << 2))) << 2), start = ids + ((<usize>load<u32>(at)) << 2), end = ids + ((<usize>load<u32>(at + 4)) << 2);
    for (let id = start; id < end; id += 4) loss -= <f64>load<f32>(logits + ((<usize>load<u32>(id)) << 2));
    loss += softplusAndSigmoid(block, logits);
    subtractOnes(start, end, logits);
  }
  return loss;
}

function maximum(block: usize, x: usize): f32 {
  const end = x + block, end4 = x + (block & ~15);
  let most = -Infinity as f32, four = f32x4.splat(most);
  for (; x < end4; x += 16) four = f32x4.max(four, v128.load(x));
  for (; x < end; x += 4) most = max<f32>(most, load<f32>(x));
  most = max<f32>(most, max<f32>(f32x4.extract_lane(four, 0), f32x4.extract_lane(four, 1)));
  return max<f32>(most, max<f32>(f32x4.extract_lane(four, 2), f32x4.extract_lane(four, 3)));
}

/** x = e^(x − most); returns their sum. */
function exponentials(block: usize, x: usize, most: f32): f64 {
  const end = x + block, end4 = x + (block & ~15), shift = f32x4.splat(most);
  let low = f64x2.splat(0), high = low;
  for (; x < end4; x += 16) {
    const e = exp4(f32x4.sub(v128.load(x), shift));
    v128.store(x, e);
    low = f64x2.add(low, f64x2.promote_low_f32x4(e));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(e, e, 2, 3, 2, 3)));
  }
  const both = f64x2.add(low, high);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  for (; x < end; x += 4) {
    const e = exp4(f32x4.sub(v128.load32_splat(x), shift));
    v128.store_lane<f32>(x, e, 0);
    sum += <f64>f32x4.extract_lane(e, 0);
  }
  return sum;
}

function scaleBy(block: usize, x: usize, scale: f32): void {
  const end = x + block, end4 = x + (block & ~15), four = f32x4.splat(scale);
  for (; x < end4; x += 16) v128.store(x, f32x4.mul(four, v128.load(x)));
  for (; x < end; x += 4) store<f32>(x, scale * load<f32>(x));
}

function subtractOnes(id: usize, end: usize, logits: usize): void {
  for (; id < end; id += 4) {
    const at = logits + ((<usize>load<u32>(id)) << 2);
    store<f32>(at, load<f32>(at) - 1);
  }
}

/** Factors 1 + e^−|x| ≤ 2 that are multiplied before a logarithm is taken: 64 of them in a lane stay below 2⁶⁴. */
// @ts-ignore: decorator
@inline
const FACTORS: i32 = 64;

/** x = σ(x); returns Σ log(1 + eˣ) = Σ max(x, 0) + Σ log(1 + e^−|x|). */
function softplusAndSigmoid(block: usize, x: usize): f64 {
  const end = x + block, end4 = x + (block & ~15), one = f32x4.splat(1), zero = f32x4.splat(0);
  let factors = one, sum = 0.0, taken = 0, linear = f64x2.splat(0);
  for (; x < end4; x += 16) {
    const z = v128.load(x), positive = f32x4.max(z, zero);
    factors = f32x4.mul(factors, f32x4.add(one, exp4(f32x4.neg(f32x4.abs(z)))));
    linear = f64x2.add(linear, f64x2.add(f64x2.promote_low_f32x4(positive), f64x2.promote_low_f32x4(v128.shuffle<f32>(positive, positive, 2, 3, 2, 3))));
    v128.store(x, sigmoid4(z));
    if (++taken == FACTORS) {
      sum += logOfProduct(factors);
      factors = one;
      taken = 0;
    }
  }
  sum += logOfProduct(factors);
  for (; x < end; x += 4) {
    const z = v128.load32_splat(x);
    sum += <f64>max<f32>(f32x4.extract_lane(z, 0), 0) + log(<f64>f32x4.extract_lane(f32x4.add(one, exp4(f32x4.neg(f32x4.abs(z)))), 0));
    v128.store_lane<f32>(x, sigmoid4(z), 0);
  }
  return sum + f64x2.extract_lane(linear, 0) + f64x2.extract_lane(linear, 1);
}

function logOfProduct(four: v128): f64 {
  const first = <f64>f32x4.extract_lane(four, 0) * <f64>f32x4.extract_lane(four, 1);
  return log(first * (<f64>f32x4.extract_lane(four, 2) * <f64>f32x4.extract_lane(four, 3)));
}

/** ln x for a positive, normal x: x = m·2ᵉ with m in [√½, √2), and the series of 2·artanh((m − 1)/(m + 1)). NaN stays. */
function log(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let exponent = <i32>((bits >> 52) & 0x7ff) - 1023, m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (!(x < Infinity)) return x;
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent += 1;
  }
  const s = (m - 1) / (m + 1), q = s * s;
  const series = 1 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11 + q * (1.0 / 13 + q * (1.0 / 15)))))));
  return <f64>exponent * 0.6931471805599453 + 2 * s * series;
}
