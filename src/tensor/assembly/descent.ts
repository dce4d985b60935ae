// Adam with one second moment for a row, Adagrad, momentum, and the scaling of rows. As in adam.ts, `hasGradient` and `decoupled` are
// constants at every call: loops without a branch inside.
import { adamTensor } from './adam';
import { gradientOf, release, stepAt, take } from './items';

export function adamRow(count: i32, trained: i32, w: usize, m: usize, v: usize, g: usize, scale: f64, rate: f64, correction: f64, beta1: f64, beta2: f64, epsilon: f64, decay: f64, decoupled: i32): void {
  // Where there is neither gradient nor coupled decay, the row's squares are zero.
  const coupled = decoupled ? 0.0 : decay;
  const squares = g ? rowSquares(count, w, g, true, scale, coupled) : coupled == 0 ? 0.0 : rowSquares(count, w, w, false, scale, coupled);
  const second = <f32>(beta2 * <f64>load<f32>(v) + (1.0 - beta2) * squares / <f64>trained);
  store<f32>(v, second);
  adamTensor(count, w, m, g, scale, rate / (Math.sqrt(<f64>second) * correction + epsilon), beta1, decay, decoupled);
}

export function adamRowItems(first: i32, count: i32, size: i32, trained: i32, slotOf: usize, w: usize, m: usize, v: usize, g: usize, scale: f64, rate: f64, correction: f64, beta1: f64, beta2: f64, epsilon: f64, decay: f64, decoupled: i32): void {
  const block = (<usize>size) << 2;
  for (let i = first, end = first + count; i < end; i++) {
    const at = <usize>i * block;
    adamRow(size, trained, w + at, m + at, v + ((<usize>i) << 2), gradientOf(i, slotOf, g, block), scale, rate, correction, beta1, beta2, epsilon, decay, decoupled);
  }
}

export function adamRowOwed(first: i32, count: i32, size: i32, trained: i32, made: usize, last: i32, steps: usize, w: usize, m: usize, v: usize): void {
  const block = (<usize>size) << 2;
  for (let i = first, end = first + count; i < end; i++) {
    let step = take(i, made, last);
    if (step < 0) continue;
    const at = <usize>i * block;
    while (step++ < last) {
      const h = stepAt(steps, step);
      adamRow(size, trained, w + at, m + at, v + ((<usize>i) << 2), 0, 0, load<f64>(h), load<f64>(h, 8), load<f64>(h, 16), load<f64>(h, 24), load<f64>(h, 32), load<f64>(h, 40), <i32>load<f64>(h, 48));
    }
    release(i, made, last);
  }
}

export function adagrad(count: i32, w: usize, v: usize, g: usize, scale: f64, rate: f64, epsilon: f64, decay: f64, decoupled: i32): void {
  if (g) {
    if (decoupled) adagradSteps(count, w, v, g, true, scale, rate, epsilon, decay, true);
    else adagradSteps(count, w, v, g, true, scale, rate, epsilon, decay, false);
  } else if (decay == 0) return;
  else if (decoupled) adagradSteps(count, w, v, w, false, scale, rate, epsilon, decay, true);
  else adagradSteps(count, w, v, w, false, scale, rate, epsilon, decay, false);
}

export function adagradItems(first: i32, count: i32, size: i32, slotOf: usize, w: usize, v: usize, g: usize, scale: f64, rate: f64, epsilon: f64, decay: f64, decoupled: i32): void {
  const block = (<usize>size) << 2;
  for (let i = first, end = first + count; i < end; i++) {
    const at = <usize>i * block;
    adagrad(size, w + at, v + at, gradientOf(i, slotOf, g, block), scale, rate, epsilon, decay, decoupled);
  }
}

export function adagradOwed(first: i32, count: i32, size: i32, made: usize, last: i32, steps: usize, w: usize, v: usize): void {
  const block = (<usize>size) << 2;
  for (let i = first, end = first + count; i < end; i++) {
    let step = take(i, made, last);
    if (step < 0) continue;
    const at = <usize>i * block;
    while (step++ < last) {
      const h = stepAt(steps, step);
      adagrad(size, w + at, v + at, 0, 0, load<f64>(h), load<f64>(h, 8), load<f64>(h, 16), <i32>load<f64>(h, 24));
    }
    release(i, made, last);
  }
}

export function momentum(count: i32, w: usize, m: usize, g: usize, scale: f64, rate: f64, factor: f64, nesterov: i32, decay: f64, decoupled: i32): void {
  if (g) {
    if (decoupled) momentumSteps(count, w, m, g, true, scale, rate, factor, nesterov, decay, true);
    else momentumSteps(count, w, m, g, true, scale, rate, factor, nesterov, decay, false);
  } else if (decoupled) momentumSteps(count, w, m, w, false, scale, rate, factor, nesterov, decay, true);
  else momentumSteps(count, w, m, w, false, scale, rate, factor, nesterov, decay, false);
}

export function momentumItems(first: i32, count: i32, size: i32, slotOf: usize, w: usize, m: usize, g: usize, scale: f64, rate: f64, factor: f64, nesterov: i32, decay: f64, decoupled: i32): void {
  const block = (<usize>size) << 2;
  for (let i = first, end = first + count; i < end; i++) {
    const at = <usize>i * block;
    momentum(size, w + at, m + at, gradientOf(i, slotOf, g, block), scale, rate, factor, nesterov, decay, decoupled);
  }
}

export function momentumOwed(first: i32, count: i32, size: i32, made: usize, last: i32, steps: usize, w: usize, m: usize): void {
  const block = (<usize>size) << 2;
  for (let i = first, end = first + count; i < end; i++) {
    let step = take(i, made, last);
    if (step < 0) continue;
    const at = <usize>i * block;
    while (step++ < last) {
      const h = stepAt(steps, step);
      momentum(size, w + at, m + at, 0, 0, load<f64>(h), load<f64>(h, 8), <i32>load<f64>(h, 16), load<f64>(h, 24), <i32>load<f64>(h, 32));
    }
    release(i, made, last);
  }
}

export function scaleItems(count: i32, size: i32, factors: usize, w: usize): void {
  for (let i = 0; i < count; i++, factors += 4) {
    const factor = load<f32>(factors), factor4 = f32x4.splat(factor);
    const end = w + ((<usize>size) << 2), end4 = w + ((<usize>(size & ~3)) << 2);
    for (; w < end4; w += 16) v128.store(w, f32x4.mul(factor4, v128.load(w)));
    for (; w < end; w += 4) store<f32>(w, factor * load<f32>(w));
  }
}

// Σ (scale·g + decay·w)², in f64.
// @ts-ignore: decorator
@inline
function rowSquares(count: i32, w: usize, g: usize, hasGradient: bool, scale: f64, decay: f64): f64 {
  const sc = <f32>scale, dc = <f32>decay, sc4 = f32x4.splat(sc), dc4 = f32x4.splat(dc);
  const end = w + ((<usize>count) << 2), end4 = w + ((<usize>(count & ~3)) << 2);
  let low = f64x2.splat(0), high = low;
  for (; w < end4; w += 16) {
    let y = f32x4.mul(dc4, v128.load(w));
    if (hasGradient) {
      y = f32x4.add(y, f32x4.mul(sc4, v128.load(g)));
      g += 16;
    }
    const y01 = f64x2.promote_low_f32x4(y), y23 = f64x2.promote_low_f32x4(v128.shuffle<f32>(y, y, 2, 3, 2, 3));
    low = f64x2.add(low, f64x2.mul(y01, y01));
    high = f64x2.add(high, f64x2.mul(y23, y23));
  }
  const both = f64x2.add(low, high);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  for (; w < end; w += 4) {
    let y: f32 = dc * load<f32>(w);
    if (hasGradient) {
      y += sc * load<f32>(g);
      g += 4;
    }
    sum += <f64>y * <f64>y;
  }
  return sum;
}

// @ts-ignore: decorator
@inline
function adagradSteps(count: i32, w: usize, v: usize, g: usize, hasGradient: bool, scale: f64, rate: f64, epsilon: f64, decay: f64, decoupled: bool): void {
  const sc = <f32>scale, rt = <f32>rate, ep = <f32>epsilon, dc = <f32>decay;
  const sc4 = f32x4.splat(sc), rt4 = f32x4.splat(rt), ep4 = f32x4.splat(ep), dc4 = f32x4.splat(dc);
  const end = w + ((<usize>count) << 2), end4 = w + ((<usize>(count & ~3)) << 2);
  for (; w < end4; w += 16, v += 16) {
    let x = v128.load(w), y = hasGradient ? f32x4.mul(sc4, v128.load(g)) : f32x4.splat(0);
    if (decoupled) x = f32x4.sub(x, f32x4.mul(dc4, x));
    else y = hasGradient ? f32x4.add(y, f32x4.mul(dc4, x)) : f32x4.mul(dc4, x);
    const squares = f32x4.add(v128.load(v), f32x4.mul(y, y));
    v128.store(v, squares);
    v128.store(w, f32x4.sub(x, f32x4.div(f32x4.mul(rt4, y), f32x4.add(f32x4.sqrt(squares), ep4))));
    if (hasGradient) g += 16;
  }
  for (; w < end; w += 4, v += 4) {
    let x = load<f32>(w), y: f32 = hasGradient ? sc * load<f32>(g) : <f32>0;
    if (decoupled) x -= dc * x;
    else y = hasGradient ? y + dc * x : dc * x;
    const squares = load<f32>(v) + y * y;
    store<f32>(v, squares);
    store<f32>(w, x - (rt * y) / (sqrt<f32>(squares) + ep));
    if (hasGradient) g += 4;
  }
}

// w −= rate·(ahead·γ + behind·m): (0, 1) for Polyak's momentum, (1, factor) for Nesterov's.
// @ts-ignore: decorator
@inline
function momentumSteps(count: i32, w: usize, m: usize, g: usize, hasGradient: bool, scale: f64, rate: f64, factor: f64, nesterov: i32, decay: f64, decoupled: bool): void {
  const sc = <f32>scale, fa = <f32>factor, dc = <f32>decay, ahead = <f32>(nesterov ? rate : 0.0), behind = <f32>(nesterov ? rate * factor : rate);
  const sc4 = f32x4.splat(sc), fa4 = f32x4.splat(fa), dc4 = f32x4.splat(dc), ahead4 = f32x4.splat(ahead), behind4 = f32x4.splat(behind);
  const end = w + ((<usize>count) << 2), end4 = w + ((<usize>(count & ~3)) << 2);
  for (; w < end4; w += 16, m += 16) {
    let x = v128.load(w), y = hasGradient ? f32x4.mul(sc4, v128.load(g)) : f32x4.splat(0);
    if (decoupled) x = f32x4.sub(x, f32x4.mul(dc4, x));
    else y = hasGradient ? f32x4.add(y, f32x4.mul(dc4, x)) : f32x4.mul(dc4, x);
    const velocity = f32x4.add(f32x4.mul(fa4, v128.load(m)), y);
    v128.store(m, velocity);
    v128.store(w, f32x4.sub(x, f32x4.add(f32x4.mul(ahead4, y), f32x4.mul(behind4, velocity))));
    if (hasGradient) g += 16;
  }
  for (; w < end; w += 4, m += 4) {
    let x = load<f32>(w), y: f32 = hasGradient ? sc * load<f32>(g) : <f32>0;
    if (decoupled) x -= dc * x;
    else y = hasGradient ? y + dc * x : dc * x;
    const velocity = fa * load<f32>(m) + y;
    store<f32>(m, velocity);
    store<f32>(w, x - (ahead * y + behind * velocity));
    if (hasGradient) g += 4;
  }
}
