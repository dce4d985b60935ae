/**
 * Least squares without negative coefficients (Lawson & Hanson's problem, by cyclic coordinate descent, which converges since the
 * objective is convex and separable in its constraints). Each row counts by its relative error: a row's residual is divided by its
 * target, so that short runs say as much as long ones. Costs are sums of shares of work, and no work takes negative time.
 *
 * `rows` (samples × features), `targets` (samples, positive). Returns one coefficient per feature.
 */
export const fitShares = (rows: readonly (readonly number[])[], targets: readonly number[]): number[] => {
  const width = rows[0]?.length ?? 0;
  // Features differ by ten orders of magnitude: each is scaled to a largest value of 1.
  const scales = Array.from({ length: width }, (_, j) => Math.max(...rows.map((row) => row[j]!)) || 1);
  const scaled = rows.map((row, i) => row.map((value, j) => value / scales[j]! / targets[i]!));
  const weights = new Array<number>(width).fill(0);
  const residual = targets.map(() => 1);
  const norms = Array.from({ length: width }, (_, j) => scaled.reduce((sum, row) => sum + row[j]! ** 2, 0));
  for (let sweep = 0; sweep < 20_000; sweep++) {
    let moved = 0;
    for (let j = 0; j < width; j++) {
      if (norms[j] === 0) continue;
      const gradient = scaled.reduce((sum, row, i) => sum + row[j]! * residual[i]!, 0);
      const next = Math.max(0, weights[j]! + gradient / norms[j]!);
      const change = next - weights[j]!;
      if (change === 0) continue;
      weights[j] = next;
      scaled.forEach((row, i) => {
        residual[i] = residual[i]! - change * row[j]!;
      });
      moved = Math.max(moved, Math.abs(change) / (next + 1e-300));
    }
    if (moved < 1e-9) break;
  }
  return weights.map((weight, j) => weight / scales[j]!);
};
