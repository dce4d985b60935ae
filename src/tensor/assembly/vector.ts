// Element-wise passes and reductions. The scalar tail has the operations of the vectors, in the same order.
// So an element's bits do not depend on the caller's cut of the range. Reductions depend on it: cut them by constants.

export function zero(count: i32, x: usize): void {
  memory.fill(x, 0, (<usize>count) << 2);
}

export function relu(count: i32, x: usize): void {
  const end = x + ((<usize>count) << 2), end4 = x + ((<usize>(count & ~3)) << 2), zero = f32x4.splat(0);
  for (; x < end4; x += 16) v128.store(x, f32x4.max(v128.load(x), zero));
  for (; x < end; x += 4) store<f32>(x, max<f32>(load<f32>(x), 0));
}

export function reluBackward(count: i32, y: usize, dy: usize): void {
  const end = y + ((<usize>count) << 2), end4 = y + ((<usize>(count & ~3)) << 2), zero = f32x4.splat(0);
  for (; y < end4; y += 16, dy += 16) v128.store(dy, v128.andnot(v128.load(dy), f32x4.le(v128.load(y), zero)));
  for (; y < end; y += 4, dy += 4) if (load<f32>(y) <= 0) store<f32>(dy, 0);
}

export function addRows(m: i32, n: i32, a: usize, out: usize): void {
  const row = (<usize>n) << 2;
  let j = 0;
  for (; j + 16 <= n; j += 16, a += 64, out += 64) {
    let s0 = v128.load(out), s1 = v128.load(out, 16), s2 = v128.load(out, 32), s3 = v128.load(out, 48);
    for (let i = 0, at = a; i < m; i++, at += row) {
      s0 = f32x4.add(s0, v128.load(at));
      s1 = f32x4.add(s1, v128.load(at, 16));
      s2 = f32x4.add(s2, v128.load(at, 32));
      s3 = f32x4.add(s3, v128.load(at, 48));
    }
    v128.store(out, s0); v128.store(out, s1, 16); v128.store(out, s2, 32); v128.store(out, s3, 48);
  }
  for (; j < n; j++, a += 4, out += 4) {
    let s = load<f32>(out);
    for (let i = 0, at = a; i < m; i++, at += row) s += load<f32>(at);
    store<f32>(out, s);
  }
}

export function axpy(count: i32, scale: f64, x: usize, y: usize): void {
  const end = x + ((<usize>count) << 2), end4 = x + ((<usize>(count & ~3)) << 2);
  const one = <f32>scale, four = f32x4.splat(one);
  for (; x < end4; x += 16, y += 16) v128.store(y, f32x4.add(v128.load(y), f32x4.mul(four, v128.load(x))));
  for (; x < end; x += 4, y += 4) store<f32>(y, load<f32>(y) + one * load<f32>(x));
}

/** dot(x, x), with each number widened once. */
export function sumSquares(count: i32, x: usize): f64 {
  const end = x + ((<usize>count) << 2), end8 = x + ((<usize>(count & ~7)) << 2);
  let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0;
  for (; x < end8; x += 32) {
    const x0 = two(x, 0), x1 = two(x, 8), x2 = two(x, 16), x3 = two(x, 24);
    s0 = f64x2.add(s0, f64x2.mul(x0, x0));
    s1 = f64x2.add(s1, f64x2.mul(x1, x1));
    s2 = f64x2.add(s2, f64x2.mul(x2, x2));
    s3 = f64x2.add(s3, f64x2.mul(x3, x3));
  }
  let sum = total(s0, s1, s2, s3);
  for (; x < end; x += 4) sum += <f64>load<f32>(x) * <f64>load<f32>(x);
  return sum;
}

export function dot(count: i32, x: usize, y: usize): f64 {
  const end = x + ((<usize>count) << 2), end8 = x + ((<usize>(count & ~7)) << 2);
  let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0;
  for (; x < end8; x += 32, y += 32) {
    s0 = f64x2.add(s0, f64x2.mul(two(x, 0), two(y, 0)));
    s1 = f64x2.add(s1, f64x2.mul(two(x, 8), two(y, 8)));
    s2 = f64x2.add(s2, f64x2.mul(two(x, 16), two(y, 16)));
    s3 = f64x2.add(s3, f64x2.mul(two(x, 24), two(y, 24)));
  }
  let sum = total(s0, s1, s2, s3);
  for (; x < end; x += 4, y += 4) sum += <f64>load<f32>(x) * <f64>load<f32>(y);
  return sum;
}

// @ts-ignore: decorator
@inline
function total(s0: v128, s1: v128, s2: v128, s3: v128): f64 {
  const s = f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3));
  return f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
}

export function squaresAndDotItems(first: i32, count: i32, size: i32, slotOf: usize, x: usize, y: usize, dots: usize): f64 {
  return size & 7 ? inTwoPasses(first, count, size, slotOf, x, y, dots) : inOnePass(first, count, size, slotOf, x, y, dots);
}

function inTwoPasses(first: i32, count: i32, size: i32, slotOf: usize, x: usize, y: usize, dots: usize): f64 {
  const block = (<usize>size) << 2;
  let sum = 0.0, slots = 0;
  for (let i = first, end = first + count; i < end; i++) {
    const slot = load<i32>(slotOf + ((<usize>i) << 2));
    if (slot < 0) continue;
    sum += dot(size, x + <usize>i * block, y + <usize>slot * block);
    slots += 1;
  }
  store<f64>(dots, sum);
  return sumSquares(slots * size, y);
}

/** The sums of sumSquares and dot, in their order. y comes from memory once, and is widened once. */
function inOnePass(first: i32, count: i32, size: i32, slotOf: usize, x: usize, y: usize, dots: usize): f64 {
  const block = (<usize>size) << 2;
  let sum = 0.0;
  let q0 = f64x2.splat(0), q1 = q0, q2 = q0, q3 = q0;
  for (let i = first, last = first + count; i < last; i++) {
    const slot = load<i32>(slotOf + ((<usize>i) << 2));
    if (slot < 0) continue;
    let xi = x + <usize>i * block, yi = y + <usize>slot * block;
    let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0;
    for (const end = yi + block; yi < end; xi += 32, yi += 32) {
      const y0 = two(yi, 0), y1 = two(yi, 8), y2 = two(yi, 16), y3 = two(yi, 24);
      s0 = f64x2.add(s0, f64x2.mul(two(xi, 0), y0));
      s1 = f64x2.add(s1, f64x2.mul(two(xi, 8), y1));
      s2 = f64x2.add(s2, f64x2.mul(two(xi, 16), y2));
      s3 = f64x2.add(s3, f64x2.mul(two(xi, 24), y3));
      q0 = f64x2.add(q0, f64x2.mul(y0, y0));
      q1 = f64x2.add(q1, f64x2.mul(y1, y1));
      q2 = f64x2.add(q2, f64x2.mul(y2, y2));
      q3 = f64x2.add(q3, f64x2.mul(y3, y3));
    }
    sum += total(s0, s1, s2, s3);
  }
  store<f64>(dots, sum);
  return total(q0, q1, q2, q3);
}

/** Two floats, widened. */
// @ts-ignore: decorator
@inline
function two(x: usize, at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(x + at));
}
