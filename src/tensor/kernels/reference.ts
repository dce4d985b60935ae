import { readAt } from '../memory/struct.js';
import * as Form from '../structs/form.js';
import * as Generator from '../structs/generator.js';
import * as List from '../structs/row-list.js';
import { adamReference } from './adam-reference.js';
import { descentReference } from './descent-reference.js';
import { factoredReference } from './factored-reference.js';
import type { Kernels } from './kernels.js';

/**
 * The kernels as plain loops: their definition, what the conformance tests compare with, and what runs where SIMD is
 * missing. Sums accumulate in float64 and round once, when stored. A range outside the memory throws RangeError.
 */
export const referenceKernels = (memory: WebAssembly.Memory): Kernels => {
  // Views are made per call: a memory that another thread grew has a new buffer.
  const floats = (pointer: number, count: number) => new Float32Array(memory.buffer, pointer, count);
  const indices = (pointer: number, count: number) => new Uint32Array(memory.buffer, pointer, count);
  /** Elements that a strided matrix spans; 0 when it is empty. */
  const span = (rows: number, row: number, columns: number, column = 1) =>
    rows > 0 && columns > 0 ? (rows - 1) * row + (columns - 1) * column + 1 : 0;
  const slotAt = (slotOf: number, i: number) => new Int32Array(memory.buffer, slotOf, i + 1)[i]!;
  const highest = (values: Uint32Array) => values.reduce((most, value) => Math.max(most, value + 1), 0);

  const kernels: Kernels = {
    ...factoredReference(memory),
    ...adamReference(memory),
    ...descentReference(memory),

    gemm(m, n, k, a, b, c, bias, form) {
      const { aRow, aCol, bRow, cRow, accumulate } = readAt(memory, form, Form);
      const A = floats(a, span(m, aRow, k, aCol)),
        B = floats(b, span(k, bRow, n)),
        C = floats(c, span(m, cRow, n)),
        start = floats(bias, bias === 0 ? 0 : n);
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = (accumulate ? C[i * cRow + j]! : 0) + (bias === 0 ? 0 : start[j]!);
          for (let p = 0; p < k; p++) sum += A[i * aRow + p * aCol]! * B[p * bRow + j]!;
          C[i * cRow + j] = sum;
        }
      }
    },

    transpose(rows, columns, a, out, outRow) {
      const A = floats(a, rows * columns),
        T = floats(out, columns * outRow);
      for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) T[j * outRow + i] = A[i * columns + j]!;
    },

    relu(count, x) {
      const X = floats(x, count);
      for (let i = 0; i < count; i++) X[i] = Math.max(X[i]!, 0);
    },

    reluBackward(count, y, dy) {
      const Y = floats(y, count),
        dY = floats(dy, count);
      for (let i = 0; i < count; i++) if (Y[i]! <= 0) dY[i] = 0;
    },

    addRows(m, n, a, out) {
      const A = floats(a, m * n),
        sums = floats(out, n);
      for (let j = 0; j < n; j++) {
        let sum = sums[j]!;
        for (let i = 0; i < m; i++) sum += A[i * n + j]!;
        sums[j] = sum;
      }
    },

    axpy(count, scale, x, y) {
      const X = floats(x, count),
        Y = floats(y, count);
      for (let i = 0; i < count; i++) Y[i] = Y[i]! + scale * X[i]!;
    },

    sumSquares: (count, x) => kernels.dot(count, x, x),

    dot(count, x, y) {
      const X = floats(x, count),
        Y = floats(y, count);
      let sum = 0;
      for (let i = 0; i < count; i++) sum += X[i]! * Y[i]!;
      return sum;
    },

    zero(count, x) {
      floats(x, count).fill(0);
    },

    squaresAndDotItems(first, count, size, slotOf, x, y, dots) {
      let [sum, squares] = [0, 0];
      for (let i = first; i < first + count; i++) {
        const slot = slotAt(slotOf, i);
        if (slot < 0) continue;
        sum += kernels.dot(size, x + i * size * 4, y + slot * size * 4);
        squares += kernels.sumSquares(size, y + slot * size * 4);
      }
      new Float64Array(memory.buffer, dots, 1)[0] = sum;
      return squares;
    },

    // Nothing that its own generateItems would ask for.
    pairUnits() {},

    generateItems(generator, users, first, count, h, _pairs, out, outStride) {
      const { o, s, w, bias } = readAt(memory, generator, Generator);
      const H = floats(h, users * o),
        W = floats(w, (first + count) * o * s),
        start = floats(bias, (first + count) * s);
      const Out = floats(out, span(users, outStride, (first + count) * s));
      for (let u = 0; u < users; u++) {
        for (let i = first; i < first + count; i++) {
          for (let j = 0; j < s; j++) {
            let sum = start[i * s + j]!;
            for (let p = 0; p < o; p++) sum += H[u * o + p]! * W[(i * o + p) * s + j]!;
            Out[u * outStride + i * s + j] = sum;
          }
        }
      }
    },

    generateRows(generator, list, h, out) {
      const { o, s, w, bias } = readAt(memory, generator, Generator);
      const { count, user, item, place } = readAt(memory, list, List);
      const users = indices(user, count),
        items = indices(item, count),
        places = indices(place, count),
        Out = floats(out, highest(places) * s);
      const H = floats(h, highest(users) * o),
        W = floats(w, highest(items) * o * s),
        start = floats(bias, highest(items) * s);
      for (let r = 0; r < count; r++) {
        const u = users[r]!,
          i = items[r]!;
        for (let j = 0; j < s; j++) {
          let sum = start[i * s + j]!;
          for (let p = 0; p < o; p++) sum += H[u * o + p]! * W[(i * o + p) * s + j]!;
          Out[places[r]! * s + j] = sum;
        }
      }
    },

    backwardRows(generator, list, cohort, h, _units, g, gBias, dh) {
      const { o, s, w } = readAt(memory, generator, Generator);
      const { count, user, item, place, fresh, upstream } = readAt(memory, list, List);
      const users = indices(user, count),
        items = indices(item, count),
        slots = indices(place, count),
        D = floats(upstream, count * s);
      const H = floats(h, highest(users) * o),
        dH = floats(dh, cohort * o).fill(0),
        W = floats(w, highest(items) * o * s);
      const G = floats(g, highest(slots) * o * s),
        gB = floats(gBias, highest(slots) * s);
      for (let r = 0; r < count; r++) {
        const u = users[r]!,
          i = items[r]!,
          t = slots[r]!;
        if (t >= fresh && t !== slots[r - 1]) {
          G.fill(0, t * o * s, (t + 1) * o * s);
          gB.fill(0, t * s, (t + 1) * s);
        }
        for (let p = 0; p < o; p++) {
          if (H[u * o + p] === 0) continue;
          let sum = dH[u * o + p]!;
          for (let j = 0; j < s; j++) {
            sum += W[(i * o + p) * s + j]! * D[r * s + j]!;
            G[(t * o + p) * s + j] = G[(t * o + p) * s + j]! + H[u * o + p]! * D[r * s + j]!;
          }
          dH[u * o + p] = sum;
        }
        for (let j = 0; j < s; j++) gB[t * s + j] = gB[t * s + j]! + D[r * s + j]!;
      }
    },
  };

  return kernels;
};
