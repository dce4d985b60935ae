import type { Piece } from './trainer.js';

/**
 * What FedProx and SCAFFOLD add to a local step of gradient descent on the shared weights x, which the server sent as x⁰:
 *
 *   FedProx    x ← x − η·(g + μ·(x − x⁰))      (Li et al., "Federated Optimization in Heterogeneous Networks", MLSys 2020, eq. 2)
 *   SCAFFOLD   x ← x − η·(g + c − c_i)         (Karimireddy et al., ICML 2020, algorithm 1, line 10)
 *
 * Both g and x on the right are those before the step. The trainer subtracts η·g, then `correct` the rest. A row without a rating in the minibatch has
 * g = 0, and its steps are deferred. Let z = x − x⁰ and a = 1 − η·μ. Then k deferred steps at once are
 *
 *   z ← a^k·z − η·(c − c_i)·(1 + a + … + a^(k−1))
 *
 * A step therefore costs what it touches. Float64 arithmetic. `finish` applies all deferred steps.
 */
export type Corrections = {
  /** Before the step on ratings whose rows are rows[from] … rows[end − 1]. */
  begin(rows: Uint32Array, from: number, end: number): void;
  /** After that step. */
  correct(rows: Uint32Array, from: number, end: number): void;
  /** After the last step. */
  finish(): void;
};

/** a^k and 1 + a + … + a^(k−1), by squaring: the same bits on every machine. */
export const powers = (a: number, k: number): { readonly power: number; readonly sum: number } => {
  let [power, sum, square, squareSum] = [1, 0, a, 1];
  for (let rest = k; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) {
      sum += power * squareSum;
      power *= square;
    }
    squareSum += square * squareSum;
    square *= square;
  }
  return { power, sum };
};

const NOTHING = new Float32Array();

type Corrected = Piece & { readonly start: Float32Array; readonly before: Float32Array; readonly drift: Float32Array };

/** x −= η·(μ·(before − x⁰) + drift) on a stretch. */
const correctStretch = ({ weights, rate, start, before, drift }: Corrected, proximal: number, from: number, end: number): void => {
  if (start.length > 0) for (let i = from; i < end; i++) weights[i]! -= rate * proximal * (before[i]! - start[i]!);
  if (drift.length > 0) for (let i = from; i < end; i++) weights[i]! -= rate * drift[i]!;
};

/** k steps without a gradient on a stretch. */
const skip = ({ weights, rate, start, drift }: Corrected, proximal: number, steps: number, from: number, end: number): void => {
  const { power, sum } = powers(1 - rate * proximal, steps);
  for (let i = from; i < end; i++) {
    const origin = start.length > 0 ? start[i]! : weights[i]!;
    weights[i] = origin + power * (weights[i]! - origin) - rate * sum * (drift.length > 0 ? drift[i]! : 0);
  }
};

/** `drift`: c − c_i in the layout of the pieces; null: none. */
export const createCorrections = (
  pieces: readonly Piece[],
  rows: number,
  proximal: number,
  drift: readonly Float32Array[] | null,
): Corrections => {
  const corrected = pieces.map((piece, index): Corrected => {
    const start = proximal === 0 ? NOTHING : piece.weights.slice();
    return { ...piece, start, before: start.slice(), drift: drift?.[index] ?? NOTHING };
  });
  const [inRows, dense] = [corrected.filter(({ width }) => width > 0), corrected.filter(({ width }) => width === 0)];
  /** Steps behind us, and those that each row has behind it. */
  let steps = 0;
  const done = new Uint32Array(rows);

  const catchUp = (row: number): void => {
    const missing = steps - done[row]!;
    if (missing === 0) return;
    for (const piece of inRows) skip(piece, proximal, missing, row * piece.width, (row + 1) * piece.width);
    done[row] = steps;
  };
  const remember = ({ weights, before }: Corrected, from: number, end: number): void => {
    if (before.length > 0) for (let i = from; i < end; i++) before[i] = weights[i]!;
  };

  return {
    begin: (list, from, end) => {
      for (let r = from; r < end; r++) {
        const row = list[r]!;
        catchUp(row);
        for (const piece of inRows) remember(piece, row * piece.width, (row + 1) * piece.width);
      }
      for (const piece of dense) remember(piece, 0, piece.weights.length);
    },
    correct: (list, from, end) => {
      steps += 1;
      for (let r = from; r < end; r++) {
        const row = list[r]!;
        if (done[row] === steps) continue;
        done[row] = steps;
        for (const piece of inRows) correctStretch(piece, proximal, row * piece.width, (row + 1) * piece.width);
      }
      for (const piece of dense) correctStretch(piece, proximal, 0, piece.weights.length);
    },
    finish: () => {
      for (let row = 0; row < rows; row++) catchUp(row);
    },
  };
};
