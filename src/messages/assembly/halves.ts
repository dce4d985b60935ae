// IEEE 754 binary16. Eight numbers at a time.

export function encodeHalves(count: i32, x: usize, out: usize): void {
  for (const end = out + ((<usize>count) << 1); out < end; out += 16, x += 32) {
    v128.store(out, i16x8.narrow_i32x4_u(half(v128.load(x)), half(v128.load(x, 16))));
  }
}

// @ts-ignore: decorator
@inline
function half(bits: v128): v128 {
  const sign = v128.and(i32x4.shr_u(bits, 16), i32x4.splat(0x8000));
  const magnitude = v128.and(bits, i32x4.splat(0x7fffffff));
  // Beyond 65504, numbers are 65504.
  const finite = i32x4.min_s(magnitude, i32x4.splat(0x477fe000));
  const odd = v128.and(i32x4.shr_u(finite, 13), i32x4.splat(1));
  const normal = i32x4.shr_u(i32x4.add(i32x4.add(finite, odd), i32x4.splat(0xfff - 0x38000000)), 13);
  const small = i32x4.sub(f32x4.add(magnitude, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  let out = v128.bitselect(small, normal, i32x4.gt_s(i32x4.splat(0x38800000), magnitude));
  const isNone = i32x4.gt_s(magnitude, i32x4.splat(0x7f800000));
  if (v128.any_true(isNone)) out = v128.bitselect(i32x4.splat(0x7e00), out, isNone);
  return v128.or(out, sign);
}

export function decodeHalves(count: i32, x: usize, out: usize): void {
  for (const end = x + ((<usize>count) << 1); x < end; x += 16, out += 32) {
    const eight = v128.load(x);
    v128.store(out, single(i32x4.extend_low_i16x8_u(eight)));
    v128.store(out, single(i32x4.extend_high_i16x8_u(eight)), 16);
  }
}

// @ts-ignore: decorator
@inline
function single(bits: v128): v128 {
  const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
  const magnitude = v128.and(bits, i32x4.splat(0x7fff));
  const normal = i32x4.add(i32x4.shl(magnitude, 13), i32x4.splat(0x38000000));
  // No arithmetic on denormal numbers, which takes many times as long.
  const small = f32x4.mul(f32x4.convert_i32x4_s(magnitude), f32x4.splat(5.9604644775390625e-8));
  const out = v128.or(v128.bitselect(small, normal, i32x4.gt_s(i32x4.splat(0x400), magnitude)), sign);
  const isOdd = i32x4.gt_s(magnitude, i32x4.splat(0x7bff));
  if (!v128.any_true(isOdd)) return out;
  const infinite = v128.or(i32x4.splat(0x7f800000), sign), isNone = i32x4.gt_s(magnitude, i32x4.splat(0x7c00));
  return v128.bitselect(i32x4.splat(0x7fc00000), v128.bitselect(infinite, out, isOdd), isNone);
}
