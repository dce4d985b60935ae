// Reads the structs of ../structs. A module there gives the element of each field, as constants.

// @ts-ignore: decorator
@inline
export function realAt(struct: usize, field: usize): f64 {
  return load<f64>(struct + (field << 3));
}

// @ts-ignore: decorator
@inline
export function countAt(struct: usize, field: usize): i32 {
  return load<i32>(struct + (field << 2));
}

// @ts-ignore: decorator
@inline
export function pointerAt(struct: usize, field: usize): usize {
  return <usize>load<u32>(struct + (field << 2));
}

// The passes over weights keep a float64 of a struct as four float32. Elements behind the last whole vector take one of the four.
// Scalars that are alive in the loop would push vectors out of their registers. That cost a third of its time.

// @ts-ignore: decorator
@inline
export function fourOf(x: f64): v128 {
  return f32x4.splat(<f32>x);
}

// @ts-ignore: decorator
@inline
export function fourAt(struct: usize, field: usize): v128 {
  return fourOf(realAt(struct, field));
}

// @ts-ignore: decorator
@inline
export function oneOf(four: v128): f32 {
  return f32x4.extract_lane(four, 0);
}
