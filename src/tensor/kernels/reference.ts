import { readAt } from '../memory/struct.js';
import * as Form from '../structs/form.js';
import { activationReference } from './activation-reference.js';
import { adamReference } from './adam-reference.js';
import { descentReference } from './descent-reference.js';
import type { Kernels } from './kernels.js';
import { vectorReference } from './vector-reference.js';

/**
 * The kernels as plain loops. They are the definition, and conformance tests compare with them. They run where SIMD is missing.
 * Sums accumulate in float64 and round once, when they are stored. A range outside the memory throws RangeError.
 */
export const referenceKernels = (memory: WebAssembly.Memory): Kernels => {
  // Views are created per call: a memory that another thread grew has a new buffer.
  const floats = (pointer: number, count: number) => new Float32Array(memory.buffer, pointer, count);

  return {
    ...activationReference(memory),
    ...adamReference(memory),
    ...descentReference(memory),
    ...vectorReference(memory),

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
  };
};

/** Elements that a strided matrix spans; 0 when it is empty. */
const span = (rows: number, row: number, columns: number, column = 1): number =>
  rows > 0 && columns > 0 ? (rows - 1) * row + (columns - 1) * column + 1 : 0;
