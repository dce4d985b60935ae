import * as Hyper from '../structs/hyper';
import * as Rows from '../structs/rows';
import { LEAST_GRADIENT, LEAST_MOMENT, MAGNITUDE, orZero, orZero4, sizeOf, sizeOf4 } from './fading';
import { gradientOf, release, stepAt, take } from './items';
import { countAt, fourAt, fourOf, oneOf, pointerAt, realAt } from './structs';

// One fused pass, bound by memory. It moves 28 bytes per parameter with a gradient (w, m, v read and written, g read), 24 without.
// Hyperparameters stay f64 until 1 − β is taken: 1 − float32(0.999) is off by 1e-5 of itself.

export function adam(count: i32, w: usize, m: usize, v: usize, g: usize, hyper: usize): void {
  const decoupled = realAt(hyper, Hyper.decoupled) != 0;
  if (g) {
    if (decoupled) steps(count, w, m, v, g, true, hyper, true);
    else steps(count, w, m, v, g, true, hyper, false);
  } else if (decoupled) steps(count, w, m, v, w, false, hyper, true);
  else steps(count, w, m, v, w, false, hyper, false);
}

export function adamTensor(count: i32, w: usize, m: usize, g: usize, hyper: usize): f64 {
  return adamTensorAt(realAt(hyper, Hyper.rate), count, w, m, g, hyper);
}

/** `adamTensor` at another rate than the struct's. */
export function adamTensorAt(rate: f64, count: i32, w: usize, m: usize, g: usize, hyper: usize): f64 {
  const decoupled = realAt(hyper, Hyper.decoupled) != 0;
  if (g) {
    if (decoupled) return tensorSteps(rate, count, w, m, g, true, hyper, true);
    return tensorSteps(rate, count, w, m, g, true, hyper, false);
  }
  if (decoupled) return tensorSteps(rate, count, w, m, w, false, hyper, true);
  return tensorSteps(rate, count, w, m, w, false, hyper, false);
}

export function adamItems(rows: usize, first: i32, count: i32, g: usize, hyper: usize): void {
  const size = countAt(rows, Rows.size), block = (<usize>size) << 2, slotOf = pointerAt(rows, Rows.slotOf);
  const w = pointerAt(rows, Rows.weights), m = pointerAt(rows, Rows.moment), v = pointerAt(rows, Rows.variance);
  for (let i = first, end = first + count; i < end; i++) {
    const at = <usize>i * block;
    adam(size, w + at, m + at, v + at, gradientOf(i, slotOf, g, block), hyper);
  }
}

export function adamPending(rows: usize, first: i32, count: i32, last: i32): void {
  const size = countAt(rows, Rows.size), block = (<usize>size) << 2, stepsApplied = pointerAt(rows, Rows.stepsApplied), written = pointerAt(rows, Rows.steps);
  const w = pointerAt(rows, Rows.weights), m = pointerAt(rows, Rows.moment), v = pointerAt(rows, Rows.variance);
  for (let i = first, end = first + count; i < end; i++) {
    let step = take(i, stepsApplied, last);
    if (step < 0) continue;
    const at = <usize>i * block;
    while (step++ < last) adam(size, w + at, m + at, v + at, 0, stepAt(written, step));
    release(i, stepsApplied, last);
  }
}

export function adamTensorItems(rows: usize, first: i32, count: i32, g: usize, hyper: usize): f64 {
  const size = countAt(rows, Rows.size), block = (<usize>size) << 2, slotOf = pointerAt(rows, Rows.slotOf);
  const w = pointerAt(rows, Rows.weights), m = pointerAt(rows, Rows.moment);
  let sum = 0.0;
  for (let i = first, end = first + count; i < end; i++) {
    const at = <usize>i * block;
    sum += adamTensor(size, w + at, m + at, gradientOf(i, slotOf, g, block), hyper);
  }
  return sum;
}

// `hasGradient` and `decoupled` are constants at every call. The compiler makes four loops, none with a branch inside.
// @ts-ignore: decorator
@inline
function steps(count: i32, w: usize, m: usize, v: usize, g: usize, hasGradient: bool, hyper: usize, decoupled: bool): void {
  const beta1 = realAt(hyper, Hyper.beta1), beta2 = realAt(hyper, Hyper.beta2);
  const sc4 = fourAt(hyper, Hyper.scale), rt4 = fourAt(hyper, Hyper.rate), co4 = fourAt(hyper, Hyper.correction), ep4 = fourAt(hyper, Hyper.epsilon), dc4 = fourAt(hyper, Hyper.decay);
  const b14 = fourOf(beta1), c14 = fourOf(1.0 - beta1), b24 = fourOf(beta2), c24 = fourOf(1.0 - beta2);
  const least4 = f32x4.splat(LEAST_GRADIENT), moment4 = f32x4.splat(LEAST_MOMENT), magnitude4 = i32x4.splat(MAGNITUDE);
  const end = w + ((<usize>count) << 2), end4 = w + ((<usize>(count & ~3)) << 2);
  for (; w < end4; w += 16, m += 16, v += 16) {
    let x = v128.load(w), y = hasGradient ? f32x4.mul(sc4, v128.load(g)) : f32x4.splat(0);
    if (decoupled) x = f32x4.sub(x, f32x4.mul(dc4, x));
    else y = hasGradient ? f32x4.add(y, f32x4.mul(dc4, x)) : f32x4.mul(dc4, x);
    const size = hasGradient ? y : sizeOf4(y, least4, magnitude4);
    let first = f32x4.add(f32x4.mul(b14, v128.load(m)), f32x4.mul(c14, y));
    if (!hasGradient) first = orZero4(first, moment4, magnitude4);
    const second = f32x4.add(f32x4.mul(b24, v128.load(v)), f32x4.mul(c24, f32x4.mul(size, size)));
    v128.store(m, first);
    v128.store(v, second);
    v128.store(w, f32x4.sub(x, f32x4.div(f32x4.mul(rt4, first), f32x4.add(f32x4.mul(f32x4.sqrt(second), co4), ep4))));
    if (hasGradient) g += 16;
  }
  if (w == end) return;
  const sc = oneOf(sc4), rt = oneOf(rt4), co = oneOf(co4), ep = oneOf(ep4), dc = oneOf(dc4), b1 = oneOf(b14), c1 = oneOf(c14), b2 = oneOf(b24), c2 = oneOf(c24);
  for (; w < end; w += 4, m += 4, v += 4) {
    let x = load<f32>(w), y: f32 = hasGradient ? sc * load<f32>(g) : <f32>0;
    if (decoupled) x -= dc * x;
    else y = hasGradient ? y + dc * x : dc * x;
    const size = hasGradient ? y : sizeOf(y, LEAST_GRADIENT);
    let first = b1 * load<f32>(m) + c1 * y;
    if (!hasGradient) first = orZero(first, LEAST_MOMENT);
    const second = b2 * load<f32>(v) + c2 * (size * size);
    store<f32>(m, first);
    store<f32>(v, second);
    store<f32>(w, x - (rt * first) / (sqrt<f32>(second) * co + ep));
    if (hasGradient) g += 4;
  }
}

// @ts-ignore: decorator
@inline
function tensorSteps(rate: f64, count: i32, w: usize, m: usize, g: usize, hasGradient: bool, hyper: usize, decoupled: bool): f64 {
  const beta1 = realAt(hyper, Hyper.beta1);
  const sc4 = fourAt(hyper, Hyper.scale), rt4 = fourOf(rate), b14 = fourOf(beta1), c14 = fourOf(1.0 - beta1), dc4 = fourAt(hyper, Hyper.decay);
  const end = w + ((<usize>count) << 2), end4 = w + ((<usize>(count & ~3)) << 2);
  let low = f64x2.splat(0), high = low;
  for (; w < end4; w += 16, m += 16) {
    let x = v128.load(w), y = hasGradient ? f32x4.mul(sc4, v128.load(g)) : f32x4.splat(0);
    if (decoupled) x = f32x4.sub(x, f32x4.mul(dc4, x));
    else y = hasGradient ? f32x4.add(y, f32x4.mul(dc4, x)) : f32x4.mul(dc4, x);
    const first = f32x4.add(f32x4.mul(b14, v128.load(m)), f32x4.mul(c14, y));
    v128.store(m, first);
    x = f32x4.sub(x, f32x4.mul(rt4, first));
    v128.store(w, x);
    const x01 = f64x2.promote_low_f32x4(x), x23 = f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3));
    low = f64x2.add(low, f64x2.mul(x01, x01));
    high = f64x2.add(high, f64x2.mul(x23, x23));
    if (hasGradient) g += 16;
  }
  const both = f64x2.add(low, high);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  if (w == end) return sum;
  const sc = oneOf(sc4), rt = oneOf(rt4), b1 = oneOf(b14), c1 = oneOf(c14), dc = oneOf(dc4);
  for (; w < end; w += 4, m += 4) {
    let x = load<f32>(w), y: f32 = hasGradient ? sc * load<f32>(g) : <f32>0;
    if (decoupled) x -= dc * x;
    else y = hasGradient ? y + dc * x : dc * x;
    const first = b1 * load<f32>(m) + c1 * y;
    store<f32>(m, first);
    x -= rt * first;
    store<f32>(w, x);
    sum += <f64>x * <f64>x;
    if (hasGradient) g += 4;
  }
  return sum;
}
