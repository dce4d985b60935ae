import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describePowerLaw, fitPowerLaw } from '../../../src/report/charts/power-law.js';

describe('a fitted power law', () => {
  it('finds exponent and factor of points that follow one', () => {
    const exponent = fc.double({ min: -3, max: 3, noNaN: true });
    const factor = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(exponent, factor, (a, k) => {
        const law = fitPowerLaw([10, 100, 1000, 1e6].map((x) => ({ x, y: k * x ** a })))!;
        expect(law.exponent).toBeCloseTo(a, 8);
        expect(law.factor / k).toBeCloseTo(1, 6);
        expect(law.deviation).toBeCloseTo(0, 5);
      }),
    );
  });

  it('tells how sure it is, by the usual formula of a regression', () => {
    // log10 y = 1, 2, 4 at log10 x = 0, 1, 2: slope 1.5, residuals ±1/6, ∓1/3; s² = 1/6, Σ(x−x̄)² = 2.
    const law = fitPowerLaw([1, 10, 100].map((x, i) => ({ x, y: 10 ** [1, 2, 4][i]! })))!;
    expect(law.exponent).toBeCloseTo(1.5);
    expect(law.deviation).toBeCloseTo(Math.sqrt(1 / 6 / 2));
    expect(describePowerLaw('cohort', law)).toBe('cohort^1.50 ± 0.29');
  });

  it('leaves out what has no logarithm, and says nothing of fewer than two values of x', () => {
    expect(
      fitPowerLaw([
        { x: 0, y: 3 },
        { x: 2, y: -1 },
        { x: 2, y: Number.NaN },
        { x: 5, y: 1 },
      ]),
    ).toBeUndefined();
    expect(
      fitPowerLaw([
        { x: 5, y: 1 },
        { x: 5, y: 2 },
      ]),
    ).toBeUndefined();
    expect(
      describePowerLaw(
        'x',
        fitPowerLaw([
          { x: 1, y: 1 },
          { x: 10, y: 10 },
        ])!,
      ),
    ).toBe('x^1.00');
  });
});
