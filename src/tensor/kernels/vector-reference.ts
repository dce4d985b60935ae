import type { Kernels } from './kernels.js';

type VectorKernels = Pick<
  Kernels,
  'relu' | 'reluBackward' | 'addRows' | 'axpy' | 'sumSquares' | 'dot' | 'squaresAndDotItems' | 'zero' | 'transpose'
>;

/** Reference of the element-wise passes and the reductions: their definition (kernels.ts is the specification). */
export const vectorReference = (memory: WebAssembly.Memory): VectorKernels => {
  const floats = (pointer: number, count: number) => new Float32Array(memory.buffer, pointer, count);
  const slotAt = (slotOf: number, i: number) => new Int32Array(memory.buffer, slotOf, i + 1)[i]!;

  const dot: Kernels['dot'] = (count, x, y) => {
    const X = floats(x, count),
      Y = floats(y, count);
    let sum = 0;
    for (let i = 0; i < count; i++) sum += X[i]! * Y[i]!;
    return sum;
  };

  return {
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

    sumSquares: (count, x) => dot(count, x, x),

    dot,

    zero(count, x) {
      floats(x, count).fill(0);
    },

    squaresAndDotItems(first, count, size, slotOf, x, y, dots) {
      let [sum, squares] = [0, 0];
      for (let i = first; i < first + count; i++) {
        const slot = slotAt(slotOf, i);
        if (slot < 0) continue;
        const at = y + slot * size * 4;
        sum += dot(size, x + i * size * 4, at);
        squares += dot(size, at, at);
      }
      new Float64Array(memory.buffer, dots, 1)[0] = sum;
      return squares;
    },
  };
};
