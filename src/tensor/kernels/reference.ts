import { readAt } from '../memory/struct.js';
import * as Form from '../structs/form.js';
import { adamReference } from './adam-reference.js';
import { descentReference } from './descent-reference.js';
import type { Kernels } from './kernels.js';

/**
 * The kernels as plain loops: their definition, what the conformance tests compare with, and what runs where SIMD is
 * missing. Sums accumulate in float64 and round once, when stored. A range outside the memory throws RangeError.
 */
export const referenceKernels = (memory: WebAssembly.Memory): Kernels => {
  // Views are made per call: a memory that another thread grew has a new buffer.
  const floats = (pointer: number, count: number) => new Float32Array(memory.buffer, pointer, count);
  /** Elements that a strided matrix spans; 0 when it is empty. */
  const span = (rows: number, row: number, columns: number, column = 1) =>
    rows > 0 && columns > 0 ? (rows - 1) * row + (columns - 1) * column + 1 : 0;
  const slotAt = (slotOf: number, i: number) => new Int32Array(memory.buffer, slotOf, i + 1)[i]!;

  const kernels: Kernels = {
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
  };

  return kernels;
};
