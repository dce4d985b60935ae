// The library's exp and log read tables, and a kernel module may own no data.

/** exp(x) for x ≤ 0, by 2ⁿ·exp(r), |r| ≤ ln 2 / 2, and Taylor's series of exp(r) up to r¹²: relative error 1e-15. */
export function expOf(x: f64): f64 {
  if (x < -700) return 0;
  const n = Math.floor(x * 1.4426950408889634 + 0.5);
  const r = x - n * 0.6931471805599453 - n * 2.3190468138462996e-17;
  let sum = 1.0;
  for (let i = 12.0; i > 0; i -= 1) sum = 1 + (sum * r) / i;
  return sum * reinterpret<f64>(<i64>(1023 + <i32>n) << 52);
}

/** ln(1 + x) for 0 ≤ x ≤ 1, by 2·artanh(x / (2 + x)): absolute error 1e-13. */
export function logOfOneAnd(x: f64): f64 {
  const z = x / (2 + x), square = z * z;
  let sum = 0.0;
  for (let i = 25.0; i > 0; i -= 2) sum = sum * square + 1 / i;
  return 2 * z * sum;
}
