import { readAt } from '../../../tensor/memory/struct.js';
import type { RatingKernels } from './rating-kernels.js';
import * as Rated from './structs/rated.js';

type Floats = (pointer: number, count: number) => Float32Array;

/** Weights or gradients as they lie behind one pointer (structs/rated.ts). */
type Dense = { readonly all: Float32Array } & Readonly<Record<'w1' | 'b1' | 'w2' | 'b2' | 'user', Float32Array>>;

const denseAt = (floats: Floats, pointer: number, d: number, f: number): Dense => {
  const all = floats(pointer, f * d + 2 * f + d + 4);
  const at = (first: number, count: number) => all.subarray(first, first + count);
  const b1 = f * d;
  return { all, w1: at(0, b1), b1: at(b1, f), w2: at(b1 + f, f), b2: at(b1 + 2 * f, 1), user: at(b1 + 2 * f + 4, d) };
};

type Pass = { readonly w: Dense; readonly x: Float32Array; readonly h: Float32Array };

const forward = ({ w: { w1, b1, w2, b2, user }, x, h }: Pass, item: Float32Array): number => {
  const d = x.length;
  for (let e = 0; e < d; e++) x[e] = item[e]! * user[e]!;
  let prediction = b2[0]!;
  for (let q = 0; q < h.length; q++) {
    let z = b1[q]!;
    for (let e = 0; e < d; e++) z += x[e]! * w1[q * d + e]!;
    h[q] = Math.max(z, 0);
    prediction += w2[q]! * h[q]!;
  }
  return Math.fround(prediction);
};

const backward = ({ w, x, h }: Pass, g: Dense, item: Float32Array, gItem: Float32Array, upstream: number): void => {
  const d = x.length;
  const dx = new Float64Array(d);
  g.b2[0]! += upstream;
  for (let q = 0; q < h.length; q++) {
    if (h[q] === 0) continue;
    const dz = Math.fround(upstream * w.w2[q]!);
    g.w2[q]! += upstream * h[q]!;
    g.b1[q]! += dz;
    for (let e = 0; e < d; e++) {
      g.w1[q * d + e]! += dz * x[e]!;
      dx[e]! += dz * w.w1[q * d + e]!;
    }
  }
  for (let e = 0; e < d; e++) {
    gItem[e]! += dx[e]! * w.user[e]!;
    g.user[e]! += dx[e]! * item[e]!;
  }
};

const descend = (weights: Float32Array, gradient: Float32Array, rate: number): void => {
  for (let i = 0; i < weights.length; i++) weights[i]! -= rate * gradient[i]!;
  gradient.fill(0);
};

/** The reference of the rating kernels (rating-kernels.ts is the specification). */
export const ratingReference = (memory: WebAssembly.Memory): RatingKernels => {
  const floats: Floats = (pointer, count) => new Float32Array(memory.buffer, pointer, count);
  const passAt = (w: Dense, d: number, f: number, work: number): Pass => ({ w, x: floats(work, d), h: floats(work + 4 * d, f) });
  return {
    predictRatings(model, count, row, out) {
      const { d, f, items, w, work } = readAt(memory, model, Rated);
      const pass = passAt(denseAt(floats, w, d, f), d, f, work);
      const Out = floats(out, count);
      new Uint32Array(memory.buffer, row, count).forEach((at, r) => {
        Out[r] = forward(pass, floats(items + 4 * at * d, d));
      });
    },

    descendRatings(model, count, batch, row, value, rate) {
      const { d, f, items, gItems, w, g, work } = readAt(memory, model, Rated);
      const pass = passAt(denseAt(floats, w, d, f), d, f, work);
      const gradient = denseAt(floats, g, d, f);
      const rows = new Uint32Array(memory.buffer, row, count);
      const values = floats(value, count);
      const itemOf = (r: number) => floats(items + 4 * rows[r]! * d, d);
      const gradientOf = (r: number) => floats(gItems + 4 * rows[r]! * d, d);
      let loss = 0;
      for (let first = 0; first < count; first += batch) {
        const end = Math.min(count, first + batch);
        for (let r = first; r < end; r++) {
          const error = Math.fround(forward(pass, itemOf(r)) - values[r]!);
          loss += error * error;
          backward(pass, gradient, itemOf(r), gradientOf(r), Math.fround((2 * error) / (end - first)));
        }
        for (let r = first; r < end; r++) descend(itemOf(r), gradientOf(r), rate);
        descend(pass.w.all, gradient.all, rate);
      }
      return loss;
    },
  };
};
