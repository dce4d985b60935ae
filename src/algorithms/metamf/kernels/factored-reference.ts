import { readAt } from '../../../tensor/memory/struct.js';
import type { FactoredKernels } from './factored-kernels.js';
import * as Factored from './structs/factored.js';

/** A generated model and its intermediate results. `rank`, `wide` and `units` are s, d and f in whole pairs. */
type Pass = {
  readonly s: number;
  readonly d: number;
  readonly f: number;
  readonly rank: number;
  readonly wide: number;
  readonly units: number;
  readonly hasOffset: boolean;
  readonly low: Float64Array;
  readonly rise: Float64Array;
  readonly w1: Float64Array;
  readonly b1: Float64Array;
  readonly w2: Float64Array;
  readonly b2: Float64Array;
  readonly folded: Float64Array;
  readonly hidden: Float64Array;
};

const even = (count: number): number => (count + 1) & ~1;

/** Pieces of an array, one behind the other. */
const cut = <Values extends Float32Array | Float64Array, const Lengths extends readonly number[]>(all: Values, lengths: Lengths) => {
  let end = 0;
  return lengths.map((length) => {
    end += length;
    return all.subarray(end - length, end);
  }) as { readonly [Index in keyof Lengths]: Values };
};

const total = (lengths: readonly number[]): number => lengths.reduce((sum, length) => sum + length, 0);

const fold = ({ s, d, f, units, rise, w1, folded }: Pass): void => {
  for (let j = 0; j < s; j++) {
    for (let q = 0; q < f; q++) {
      let sum = 0;
      for (let e = 0; e < d; e++) sum += rise[j * d + e]! * w1[e * units + q]!;
      folded[j * units + q] = sum;
    }
  }
};

/** ŷ, without `centre`, of the item whose embedding is row `row`. Writes h to `hidden`. */
const forward = ({ s, f, rank, units, hasOffset, low, b1, w2, b2, folded, hidden }: Pass, row: number): number => {
  let prediction = b2[0]! + (hasOffset ? low[row * rank]! : 0);
  for (let q = 0; q < f; q++) {
    let z = b1[q]!;
    for (let j = 0; j < s; j++) z += low[row * rank + j]! * folded[j * units + q]!;
    hidden[q] = z > 0 ? z : 0;
    if (z > 0) prediction += w2[q]! * z;
  }
  return prediction;
};

/** G and the gradients of w2 and b1, in float64. */
type Sums = Readonly<Record<'dFolded' | 'dB1' | 'dW2' | 'dz', Float64Array>>;

/** Adds upstream · ∂ŷ, for the last rating of `forward`. */
const backward = ({ s, f, units, rank, w2, low, folded, hidden }: Pass, sums: Sums, row: number, upstream: number, dLow: Float32Array) => {
  const { dFolded, dB1, dW2, dz } = sums;
  for (let q = 0; q < f; q++) {
    dW2[q]! += upstream * hidden[q]!;
    dz[q] = hidden[q] === 0 ? 0 : upstream * w2[q]!;
    dB1[q]! += dz[q]!;
  }
  for (let j = 0; j < s; j++) {
    for (let q = 0; q < f; q++) {
      dLow[row * rank + j]! += folded[j * units + q]! * dz[q]!;
      dFolded[j * units + q]! += low[row * rank + j]! * dz[q]!;
    }
  }
};

/** d(rise) = G·w1ᵀ and d(w1) = riseᵀ·G. */
const unfold = ({ s, d, f, wide, units, rise, w1 }: Pass, g: Float64Array, dRise: Float32Array, dW1: Float32Array): void => {
  for (let e = 0; e < d; e++) {
    for (let j = 0; j < s; j++) {
      let sum = 0;
      for (let q = 0; q < f; q++) sum += g[j * units + q]! * w1[e * units + q]!;
      dRise[j * wide + e] = sum;
    }
    for (let q = 0; q < f; q++) {
      let sum = 0;
      for (let j = 0; j < s; j++) sum += rise[j * d + e]! * g[j * units + q]!;
      dW1[e * units + q] = sum;
    }
  }
};

/** The reference of the kernels of generated models (factored-kernels.ts is the specification). */
export const factoredReference = (memory: WebAssembly.Memory): FactoredKernels => {
  const doubles = (pointer: number, count: number) => new Float64Array(memory.buffer, pointer, count);
  const floats = (pointer: number, count: number) => new Float32Array(memory.buffer, pointer, count);
  const indices = (pointer: number, count: number) => new Uint32Array(memory.buffer, pointer, count);

  const passAt = (model: number, rows: Uint32Array): Pass => {
    const { s, d, f, offset, low, dense, work } = readAt(memory, model, Factored);
    const [rank, wide, units] = [even(s), even(d), even(f)];
    const parts = [s * d, d * units, units, units, 1] as const;
    const [rise, w1, b1, w2, b2] = cut(doubles(dense, total(parts)), parts);
    const [folded, hidden] = cut(doubles(work, (s + 1) * units), [s * units, units]);
    const count = rows.reduce((most, row) => Math.max(most, row + 1), 0);
    const sizes = { s, d, f, rank, wide, units, hasOffset: offset !== 0 };
    const pass = { ...sizes, low: doubles(low, count * rank), rise, w1, b1, w2, b2, folded, hidden };
    fold(pass);
    return pass;
  };

  return {
    predictFactored(model, count, row, centre, out) {
      const list = indices(row, count);
      const pass = passAt(model, list);
      const Out = floats(out, count);
      for (let r = 0; r < count; r++) Out[r] = centre + forward(pass, list[r]!);
    },

    backwardFactored(model, count, rows, row, value, centre, gradient) {
      const list = indices(row, count);
      const values = floats(value, count);
      const pass = passAt(model, list);
      const { s, d, f, rank, wide, units } = pass;
      const zeros = (length: number) => new Float64Array(length);
      const sums = { dFolded: zeros(s * units), dB1: zeros(units), dW2: zeros(units), dz: zeros(f) };
      const parts = [rows * rank, s * wide, d * units, units, units, 1] as const;
      const [dLow, dRise, dW1, dB1, dW2, dB2] = cut(floats(gradient, total(parts)).fill(0), parts);
      let loss = 0;
      let upstreams = 0;
      for (let r = 0; r < count; r++) {
        const at = list[r]!;
        const error = centre + forward(pass, at) - values[r]!;
        const upstream = 2 * error;
        loss += error * error;
        upstreams += upstream;
        if (pass.hasOffset) dLow[at * rank]! += upstream;
        backward(pass, sums, at, upstream, dLow);
      }
      unfold(pass, sums.dFolded, dRise, dW1);
      dB1.set(sums.dB1);
      dW2.set(sums.dW2);
      dB2[0] = upstreams;
      return loss;
    },
  };
};
