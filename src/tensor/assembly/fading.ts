// WebAssembly cannot flush to zero. Arithmetic that takes or gives denormal numbers takes many times as long.
// L2 shrinks weights without a gradient by a factor a step, and their moments with them.
// After a thousand rounds a tenth of W_low was so small, and Adam's pass took half as long again.
// So the pass without a gradient keeps its numbers above. No result depends on numbers so small.

/** The least |γ| in a second moment. Its square, times 1 − β₂, is about 2⁻¹²², above the least normal number, 2⁻¹²⁶. */
// @ts-ignore: decorator
@inline
export const LEAST_GRADIENT: f32 = 1.3877787807814457e-17; // 2⁻⁵⁶
/** First moments below it are zero. The others, times a learning rate, stay above the least normal number. */
// @ts-ignore: decorator
@inline
export const LEAST_MOMENT: f32 = 7.888609052210118e-31; // 2⁻¹⁰⁰

/** All bits but the sign. */
// @ts-ignore: decorator
@inline
export const MAGNITUDE: i32 = 0x7fffffff;

/** Zero where |x| < least; NaN stays. The constants come from outside the loop. */
// @ts-ignore: decorator
@inline
export function orZero4(x: v128, least4: v128, magnitude4: v128): v128 {
  return v128.andnot(x, f32x4.lt(v128.and(x, magnitude4), least4));
}

// @ts-ignore: decorator
@inline
export function orZero(x: f32, least: f32): f32 {
  return abs<f32>(x) < least ? 0 : x;
}

/** |x|, at least `least`; NaN stays. */
// @ts-ignore: decorator
@inline
export function sizeOf4(x: v128, least4: v128, magnitude4: v128): v128 {
  return f32x4.pmax(v128.and(x, magnitude4), least4);
}

// @ts-ignore: decorator
@inline
export function sizeOf(x: f32, least: f32): f32 {
  const size = abs<f32>(x);
  return size < least ? least : size;
}
