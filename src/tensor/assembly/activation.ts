// Sigmoid, tanh and their backward passes. All lanes have the operations of one, tail included. So an element's bits do not depend on the cut.

/**
 * eˣ in float32 (Cephes' expf): x = n·ln 2 + r with |r| ≤ ln 2 / 2, and a polynomial of r. The relative error is at most 2⁻²².
 * x counts as −87 … 88, where neither the result nor its reciprocal is denormal. NaN stays.
 */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const within = f32x4.min(f32x4.max(x, f32x4.splat(-87)), f32x4.splat(88));
  const n = f32x4.nearest(f32x4.mul(within, f32x4.splat(1.44269504088896341)));
  const r = f32x4.sub(f32x4.sub(within, f32x4.mul(n, f32x4.splat(0.693359375))), f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
  let p = f32x4.add(f32x4.mul(f32x4.splat(1.9875691500e-4), r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(p, power);
}

// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(x))));
}

// @ts-ignore: decorator
@inline
function tanh4(x: v128): v128 {
  const one = f32x4.splat(1), e = exp4(f32x4.mul(f32x4.splat(-2), x));
  return f32x4.div(f32x4.sub(one, e), f32x4.add(one, e));
}

// @ts-ignore: decorator
@inline
function sigmoidSlope4(y: v128, dy: v128): v128 {
  return f32x4.mul(dy, f32x4.mul(y, f32x4.sub(f32x4.splat(1), y)));
}

// @ts-ignore: decorator
@inline
function tanhSlope4(y: v128, dy: v128): v128 {
  return f32x4.mul(dy, f32x4.sub(f32x4.splat(1), f32x4.mul(y, y)));
}

export function sigmoid(count: i32, x: usize): void {
  const end = x + ((<usize>count) << 2), end4 = x + ((<usize>(count & ~3)) << 2);
  for (; x < end4; x += 16) v128.store(x, sigmoid4(v128.load(x)));
  for (; x < end; x += 4) v128.store_lane<f32>(x, sigmoid4(v128.load32_splat(x)), 0);
}

export function sigmoidBackward(count: i32, y: usize, dy: usize): void {
  const end = y + ((<usize>count) << 2), end4 = y + ((<usize>(count & ~3)) << 2);
  for (; y < end4; y += 16, dy += 16) v128.store(dy, sigmoidSlope4(v128.load(y), v128.load(dy)));
  for (; y < end; y += 4, dy += 4) v128.store_lane<f32>(dy, sigmoidSlope4(v128.load32_splat(y), v128.load32_splat(dy)), 0);
}

export function tanh(count: i32, x: usize): void {
  const end = x + ((<usize>count) << 2), end4 = x + ((<usize>(count & ~3)) << 2);
  for (; x < end4; x += 16) v128.store(x, tanh4(v128.load(x)));
  for (; x < end; x += 4) v128.store_lane<f32>(x, tanh4(v128.load32_splat(x)), 0);
}

export function tanhBackward(count: i32, y: usize, dy: usize): void {
  const end = y + ((<usize>count) << 2), end4 = y + ((<usize>(count & ~3)) << 2);
  for (; y < end4; y += 16, dy += 16) v128.store(dy, tanhSlope4(v128.load(y), v128.load(dy)));
  for (; y < end; y += 4, dy += 4) v128.store_lane<f32>(dy, tanhSlope4(v128.load32_splat(y), v128.load32_splat(dy)), 0);
}
