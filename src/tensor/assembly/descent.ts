// Adam with one second moment for a row, Adagrad, momentum, and the scaling of rows.
// As in adam.ts, `hasGradient` and `decoupled` are constants at every call, so that loops have no branch inside.
import * as Hyper from '../structs/hyper';
import * as Rows from '../structs/rows';
import { adamTensorAt } from './adam';
import { gradientOf, release, stepAt, take } from './items';
import { countAt, fourAt, fourOf, oneOf, pointerAt, realAt } from './structs';

export function adamRow(count: i32, trained: i32, w: usize, m: usize, v: usize, g: usize, hyper: usize): void {
  const scale = realAt(hyper, Hyper.scale), beta2 = realAt(hyper, Hyper.beta2);
  // Where there is neither gradient nor coupled decay, the row's squares are zero.
  const coupled = realAt(hyper, Hyper.decoupled) != 0 ? 0.0 : realAt(hyper, Hyper.decay);
  const squares = g ? rowSquares(count, w, g, true, scale, coupled) : coupled == 0 ? 0.0 : rowSquares(count, w, w, false, scale, coupled);
  const second = <f32>(beta2 * <f64>load<f32>(v) + (1.0 - beta2) * squares / <f64>trained);
  store<f32>(v, second);
  const rate = realAt(hyper, Hyper.rate) / (Math.sqrt(<f64>second) * realAt(hyper, Hyper.correction) + realAt(hyper, Hyper.epsilon));
  adamTensorAt(rate, count, w, m, g, hyper);
}

export function adamRowItems(rows: usize, first: i32, count: i32, g: usize, hyper: usize): void {
  const size = countAt(rows, Rows.size), trained = countAt(rows, Rows.trained), block = (<usize>size) << 2, slotOf = pointerAt(rows, Rows.slotOf);
  const w = pointerAt(rows, Rows.weights), m = pointerAt(rows, Rows.moment), v = pointerAt(rows, Rows.variance);
  for (let i = first, end = first + count; i < end; i++) {
    const at = <usize>i * block;
    adamRow(size, trained, w + at, m + at, v + ((<usize>i) << 2), gradientOf(i, slotOf, g, block), hyper);
  }
}

export function adamRowPending(rows: usize, first: i32, count: i32, last: i32): void {
  const size = countAt(rows, Rows.size), trained = countAt(rows, Rows.trained), block = (<usize>size) << 2;
  const stepsApplied = pointerAt(rows, Rows.stepsApplied), written = pointerAt(rows, Rows.steps);
  const w = pointerAt(rows, Rows.weights), m = pointerAt(rows, Rows.moment), v = pointerAt(rows, Rows.variance);
  for (let i = first, end = first + count; i < end; i++) {
    let step = take(i, stepsApplied, last);
    if (step < 0) continue;
    const at = <usize>i * block;
    while (step++ < last) adamRow(size, trained, w + at, m + at, v + ((<usize>i) << 2), 0, stepAt(written, step));
    release(i, stepsApplied, last);
  }
}

export function adagrad(count: i32, w: usize, v: usize, g: usize, hyper: usize): void {
  const decoupled = realAt(hyper, Hyper.decoupled) != 0;
  if (g) {
    if (decoupled) adagradSteps(count, w, v, g, true, hyper, true);
    else adagradSteps(count, w, v, g, true, hyper, false);
  } else if (realAt(hyper, Hyper.decay) == 0) return;
  else if (decoupled) adagradSteps(count, w, v, w, false, hyper, true);
  else adagradSteps(count, w, v, w, false, hyper, false);
}

export function adagradItems(rows: usize, first: i32, count: i32, g: usize, hyper: usize): void {
  const size = countAt(rows, Rows.size), block = (<usize>size) << 2, slotOf = pointerAt(rows, Rows.slotOf);
  const w = pointerAt(rows, Rows.weights), v = pointerAt(rows, Rows.variance);
  for (let i = first, end = first + count; i < end; i++) {
    const at = <usize>i * block;
    adagrad(size, w + at, v + at, gradientOf(i, slotOf, g, block), hyper);
  }
}

export function adagradPending(rows: usize, first: i32, count: i32, last: i32): void {
  const size = countAt(rows, Rows.size), block = (<usize>size) << 2, stepsApplied = pointerAt(rows, Rows.stepsApplied), written = pointerAt(rows, Rows.steps);
  const w = pointerAt(rows, Rows.weights), v = pointerAt(rows, Rows.variance);
  for (let i = first, end = first + count; i < end; i++) {
    let step = take(i, stepsApplied, last);
    if (step < 0) continue;
    const at = <usize>i * block;
    while (step++ < last) adagrad(size, w + at, v + at, 0, stepAt(written, step));
    release(i, stepsApplied, last);
  }
}

export function momentum(count: i32, w: usize, m: usize, g: usize, hyper: usize): void {
  const decoupled = realAt(hyper, Hyper.decoupled) != 0;
  if (g) {
    if (decoupled) momentumSteps(count, w, m, g, true, hyper, true);
    else momentumSteps(count, w, m, g, true, hyper, false);
  } else if (decoupled) momentumSteps(count, w, m, w, false, hyper, true);
  else momentumSteps(count, w, m, w, false, hyper, false);
}

export function momentumItems(rows: usize, first: i32, count: i32, g: usize, hyper: usize): void {
  const size = countAt(rows, Rows.size), block = (<usize>size) << 2, slotOf = pointerAt(rows, Rows.slotOf);
  const w = pointerAt(rows, Rows.weights), m = pointerAt(rows, Rows.moment);
  for (let i = first, end = first + count; i < end; i++) {
    const at = <usize>i * block;
    momentum(size, w + at, m + at, gradientOf(i, slotOf, g, block), hyper);
  }
}

export function momentumPending(rows: usize, first: i32, count: i32, last: i32): void {
  const size = countAt(rows, Rows.size), block = (<usize>size) << 2, stepsApplied = pointerAt(rows, Rows.stepsApplied), written = pointerAt(rows, Rows.steps);
  const w = pointerAt(rows, Rows.weights), m = pointerAt(rows, Rows.moment);
  for (let i = first, end = first + count; i < end; i++) {
    let step = take(i, stepsApplied, last);
    if (step < 0) continue;
    const at = <usize>i * block;
    while (step++ < last) momentum(size, w + at, m + at, 0, stepAt(written, step));
    release(i, stepsApplied, last);
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
function adagradSteps(count: i32, w: usize, v: usize, g: usize, hasGradient: bool, hyper: usize, decoupled: bool): void {
  const sc4 = fourAt(hyper, Hyper.scale), rt4 = fourAt(hyper, Hyper.rate), ep4 = fourAt(hyper, Hyper.epsilon), dc4 = fourAt(hyper, Hyper.decay);
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
  if (w == end) return;
  const sc = oneOf(sc4), rt = oneOf(rt4), ep = oneOf(ep4), dc = oneOf(dc4);
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
function momentumSteps(count: i32, w: usize, m: usize, g: usize, hasGradient: bool, hyper: usize, decoupled: bool): void {
  const rate = realAt(hyper, Hyper.rate), factor = realAt(hyper, Hyper.factor), nesterov = realAt(hyper, Hyper.nesterov) != 0;
  const sc4 = fourAt(hyper, Hyper.scale), fa4 = fourOf(factor), dc4 = fourAt(hyper, Hyper.decay), ahead4 = fourOf(nesterov ? rate : 0.0), behind4 = fourOf(nesterov ? rate * factor : rate);
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
  if (w == end) return;
  const sc = oneOf(sc4), fa = oneOf(fa4), dc = oneOf(dc4), ahead = oneOf(ahead4), behind = oneOf(behind4);
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
