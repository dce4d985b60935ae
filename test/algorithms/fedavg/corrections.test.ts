import { describe, expect, it } from 'vitest';
import { createCorrections, powers } from '../../../src/algorithms/fedavg/corrections.js';
import { random } from '../../../src/base/random.js';

const ROWS = 4;
const WIDTHS = [2, 1, 0] as const;
const RATE = 0.1;
/** Rows of each minibatch: some come seldom, one never, one twice in a minibatch. */
const BATCHES = [[0], [1, 0], [0, 0], [2], [0], [1], [0, 2], [0]];

const sizeOf = (width: number): number => (width === 0 ? 3 : ROWS * width);
const normals = (source: ReturnType<typeof random>, size: number) => Array.from({ length: size }, () => Math.fround(source.normal()));

/** What a gradient moves in a step: rows of the minibatch, once each, and everything that is dense. */
const moved = (width: number, at: number, batch: readonly number[]): boolean => width === 0 || batch.includes(Math.floor(at / width));
const gradient = (step: number, at: number): number => Math.sin(step + at);

describe('corrections of local steps', () => {
  it.each([
    ['FedProx', 0.8, false],
    ['SCAFFOLD', 0, true],
    ['both', 0.8, true],
  ] as const)('leave rows for later, and come to what every step on all of them comes to: %s', (_, proximal, drifting) => {
    const source = random(1, 'corrections');
    const starts = WIDTHS.map((width) => normals(source, sizeOf(width)));
    const drifts = WIDTHS.map((width) => normals(source, sizeOf(width)));
    const plain = structuredClone(starts);
    const pieces = WIDTHS.map((width, index) => ({ weights: Float32Array.from(starts[index]!), rate: RATE * (index + 1), width }));
    const drift = drifting ? drifts.map((values) => Float32Array.from(values)) : null;
    const corrections = createCorrections(pieces, ROWS, proximal, drift);
    BATCHES.forEach((batch, step) => {
      const list = Uint32Array.from([9, ...batch, 9]);
      corrections.begin(list, 1, 1 + batch.length);
      pieces.forEach(({ weights, rate, width }, index) => {
        plain[index]!.forEach((value, at) => {
          const g = moved(width, at, batch) ? gradient(step, at) : 0;
          weights[at]! -= rate * g;
          const away = drifting ? drifts[index]![at]! : 0;
          plain[index]![at] = value - rate * (g + proximal * (value - starts[index]![at]!) + away);
        });
      });
      corrections.correct(list, 1, 1 + batch.length);
    });
    corrections.finish();
    plain.forEach((values, index) => values.forEach((value, at) => expect(pieces[index]!.weights[at]).toBeCloseTo(value, 5)));
    // The row that no minibatch had: drawn back to where it already is, or drifted through all the steps.
    const never = pieces[0]!.weights[2 * 3]!;
    if (!drifting) expect(never).toBe(starts[0]![2 * 3]);
    else expect(Math.abs(never - starts[0]![2 * 3]!)).toBeGreaterThan(1e-3);
  });

  it('know powers and their sums', () => {
    for (const a of [0.5, 1, 0.93, -0.25, 0]) {
      for (const k of [0, 1, 2, 3, 7, 8, 100]) {
        const all = Array.from({ length: k }, (_, exponent) => a ** exponent);
        const { power, sum } = powers(a, k);
        expect(power).toBeCloseTo(a ** k, 12);
        expect(sum).toBeCloseTo(
          all.reduce((total, value) => total + value, 0),
          10,
        );
      }
    }
  });
});
