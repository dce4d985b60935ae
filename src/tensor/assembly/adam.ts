import { gradientOf, release, stepAt, take } from './items';
import { LEAST_GRADIENT, LEAST_MOMENT, MAGNITUDE, orZero, orZero4, sizeOf, sizeOf4 } from './fading';

// One fused pass: 24 bytes per parameter with a gradient (w, m, v read and written, g read), 20 bytes or less without; the
// pass is bound by memory. Hyperparameters stay f64 until 1 − β is taken: 1 − float32(0.999) is off by 1e-5 of itself.

export function adam(count: i32, w: usize, m: usize, v: usize, g: usize, scale: f64, rate: f64, correction: f64, beta1: f64, beta2: f64, epsilon: f64, decay: f64, decoupled: i32): void {
  if (g) {
    if (decoupled) steps(count, w, m, v, g, true, scale, rate, correction, beta1, beta2, epsilon, decay, true);
    else steps(count, w, m, v, g, true, scale, rate, correction, beta1, beta2, epsilon, decay, false);
  } else if (decoupled) steps(count, w, m, v, w, false, scale, rate, correction, beta1, beta2, epsilon, decay, true);
  else steps(count, w, m, v, w, false, scale, rate, correction, beta1, beta2, epsilon, decay, false);
}

export function adamTensor(count: i32, w: usize, m: usize, g: usize, scale: f64, rate: f64, beta1: f64, decay: f64, decoupled: i32): f64 {
  if (g) {
    if (decoupled) return tensorSteps(count, w, m, g, true, scale, rate, beta1, decay, true);
    return tensorSteps(count, w, m, g, true, scale, rate, beta1, decay, false);
  }
  if (decoupled) return tensorSteps(count, w, m, w, false, scale, rate, beta1, decay, true);
  return tensorSteps(count, w, m, w, false, scale, rate, beta1, decay, false);
}

export function adamItems(first: i32, count: i32, size: i32, slotOf: usize, w: usize, m: usize, v: usize, g: usize, scale: f64, rate: f64, correction: f64, beta1: f64, beta2: f64, epsilon: f64, decay: f64, decoupled: i32): void {
  const block = (<usize>size) << 2;
  for (let i = first, end = first + count; i < end; i++) {
    const at = <usize>i * block;
    adam(size, w + at, m + at, v + at, gradientOf(i, slotOf, g, block), scale, rate, correction, beta1, beta2, epsilon, decay, decoupled);
  }
}

export function adamOwed(first: i32, count: i32, size: i32, made: usize, last: i32, steps: usize, w: usize, m: usize, v: usize): void {
  const block = (<usize>size) << 2;
  for (let i = first, end = first + count; i < end; i++) {
    let step = take(i, made, last);
    if (step < 0) continue;
    const at = <usize>i * block;
    while (step++ < last) {
      const h = stepAt(steps, step);
      adam(size, w + at, m + at, v + at, 0, 0, load<f64>(h), load<f64>(h, 8), load<f64>(h, 16), load<f64>(h, 24), load<f64>(h, 32), load<f64>(h, 40), <i32>load<f64>(h, 48));
    }
    release(i, made, last);
  }
}

export function adamTensorItems(first: i32, count: i32, size: i32, slotOf: usize, w: usize, m: usize, g: usize, scale: f64, rate: f64, beta1: f64, decay: f64, decoupled: i32): f64 {
  const block = (<usize>size) << 2;
  let sum = 0.0;
  for (let i = first, end = first + count; i < end; i++) {
    const at = <usize>i * block;
    sum += adamTensor(size, w + at, m + at, gradientOf(i, slotOf, g, block), scale, rate, beta1, decay, decoupled);
  }
  return sum;
}

// `hasGradient` and `decoupled` are constants at every call: four loops come of it, none with a branch inside.
// @ts-ignore: decorator
@inline
function steps(count: i32, w: usize, m: usize, v: usize, g: usize, hasGradient: bool, scale: f64, rate: f64, correction: f64, beta1: f64, beta2: f64, epsilon: f64, decay: f64, decoupled: bool): void {
  const sc = <f32>scale, rt = <f32>rate, co = <f32>correction, b1 = <f32>beta1, c1 = <f32>(1.0 - beta1), b2 = <f32>beta2, c2 = <f32>(1.0 - beta2), ep = <f32>epsilon, dc = <f32>decay;
  const sc4 = f32x4.splat(sc), rt4 = f32x4.splat(rt), co4 = f32x4.splat(co), b14 = f32x4.splat(b1), c14 = f32x4.splat(c1), b24 = f32x4.splat(b2), c24 = f32x4.splat(c2), ep4 = f32x4.splat(ep), dc4 = f32x4.splat(dc), least4 = f32x4.splat(LEAST_GRADIENT), moment4 = f32x4.splat(LEAST_MOMENT), magnitude4 = i32x4.splat(MAGNITUDE);
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
function tensorSteps(count: i32, w: usize, m: usize, g: usize, hasGradient: bool, scale: f64, rate: f64, beta1: f64, decay: f64, decoupled: bool): f64 {
  const sc = <f32>scale, rt = <f32>rate, b1 = <f32>beta1, c1 = <f32>(1.0 - beta1), dc = <f32>decay;
  const sc4 = f32x4.splat(sc), rt4 = f32x4.splat(rt), b14 = f32x4.splat(b1), c14 = f32x4.splat(c1), dc4 = f32x4.splat(dc);
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
