// Rows of `width` numbers, a multiple of 4, as whole multiples of a scale each.

/** scales = max|row| / levels; NaN where a number is NaN. */
export function scaleRows(rows: i32, width: i32, levels: f32, x: usize, scales: usize): void {
  const row = (<usize>width) << 2;
  for (const end = scales + ((<usize>rows) << 2); scales < end; scales += 4) {
    // Magnitudes of floats are in the order of their bits, and what is no number is above all.
    let most = i32x4.splat(0);
    for (const stop = x + row; x < stop; x += 16) most = i32x4.max_s(most, v128.and(v128.load(x), i32x4.splat(0x7fffffff)));
    most = i32x4.max_s(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1));
    most = i32x4.max_s(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2));
    store<f32>(scales, f32x4.extract_lane(most, 0) / levels);
  }
}

/** out (i8) = ⌊x / scale + 1/2⌋ in float64, at most `levels` either way; 0 where a scale is not above 0. */
export function roundRows(rows: i32, width: i32, levels: i32, x: usize, scales: usize, out: usize): void {
  const row = (<usize>width) << 2, most = i32x4.splat(levels), least = i32x4.splat(-levels);
  for (const end = scales + ((<usize>rows) << 2); scales < end; scales += 4) {
    const scale = load<f32>(scales);
    if (!(scale > 0)) {
      memory.fill(out, 0, <usize>width);
      x += row;
      out += <usize>width;
      continue;
    }
    const two = f64x2.splat(<f64>scale), inverse = f32x4.splat(1 / scale);
    for (const stop = x + row; x < stop; x += 16, out += 4) {
      const four = v128.load(x), near = f32x4.add(f32x4.mul(four, inverse), f32x4.splat(0.5)), down = f32x4.floor(near);
      const rest = f32x4.sub(near, down);
      // A product by the inverse is off by less than 1e-4. Farther from whole numbers than that, ⌊ ⌋ is the same.
      const isSure = v128.and(f32x4.gt(rest, f32x4.splat(1e-4)), f32x4.lt(rest, f32x4.splat(0.9999)));
      const found = i32x4.all_true(isSure) ? i32x4.trunc_sat_f32x4_s(down) : quotients(four, two);
      const words = i32x4.min_s(most, i32x4.max_s(least, found)), shorts = i16x8.narrow_i32x4_s(words, words);
      store<i32>(out, i32x4.extract_lane(i8x16.narrow_i16x8_s(shorts, shorts), 0));
    }
  }
}

function quotients(four: v128, scale: v128): v128 {
  const low = steps(f64x2.promote_low_f32x4(four), scale);
  const high = steps(f64x2.promote_low_f32x4(v128.shuffle<i32>(four, four, 2, 3, 0, 1)), scale);
  return v128.shuffle<i32>(low, high, 0, 1, 4, 5);
}

// @ts-ignore: decorator
@inline
function steps(x: v128, scale: v128): v128 {
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.floor(f64x2.add(f64x2.div(x, scale), f64x2.splat(0.5))));
}

/** out = steps (i8) · scale. */
export function spreadRows(rows: i32, width: i32, x: usize, scales: usize, out: usize): void {
  const row = (<usize>width) << 2;
  for (const end = scales + ((<usize>rows) << 2); scales < end; scales += 4) {
    const scale = v128.load32_splat(scales);
    for (const stop = out + row; out < stop; out += 16, x += 4) {
      v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(x)))), scale));
    }
  }
}
