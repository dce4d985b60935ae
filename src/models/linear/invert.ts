import { MetafleetError } from '../../base/errors.js';
import type { Kernels } from '../../tensor/kernels/kernels.js';
import { referenceKernels } from '../../tensor/kernels/reference.js';
import type { Pointer } from '../../tensor/memory/arena.js';
import { placeStruct } from '../../tensor/memory/struct.js';
import * as Form from '../../tensor/structs/form.js';
import type { Engine } from '../port/engine.js';

/** Rows that are swept together, and rows that one product updates. */
const BLOCK = 64;

/** The inverse of a symmetric positive definite (n, n), by Gauss and Jordan in float64. Throws for a pivot that is not above zero. */
export const invertSmall = (matrix: Float64Array, n: number): Float64Array => {
  const a = matrix.slice();
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) inverse[i * n + i] = 1;
  for (let p = 0; p < n; p++) {
    const pivot = a[p * n + p]!;
    if (!(pivot > 0)) throw new MetafleetError('DATA', `closed form: expected a positive definite matrix, found the pivot ${pivot}`);
    for (let j = 0; j < n; j++) {
      a[p * n + j]! /= pivot;
      inverse[p * n + j]! /= pivot;
    }
    for (let i = 0; i < n; i++) {
      const factor = a[i * n + p]!;
      if (i === p || factor === 0) continue;
      for (let j = 0; j < n; j++) {
        a[i * n + j]! -= factor * a[p * n + j]!;
        inverse[i * n + j]! -= factor * inverse[p * n + j]!;
      }
    }
  }
  return inverse;
};

/**
 * Replaces a symmetric positive definite A (n, n) by −A⁻¹, block after block, with the sweep operator (Goodnight, 1979):
 *
 *   A_KK = −D⁻¹   A_Kj = D⁻¹ A_Kj   A_ij −= A_iK D⁻¹ A_Kj,   D = A_KK of before
 *
 * All of it stays symmetric, so that only the upper half is computed: n³ multiplications and additions, most of them in products of
 * 64 rows. The lower half is filled at the end.
 */
export const sweepAll = (engine: Engine, matrix: Pointer, n: number): void => {
  const { arena, allocate } = engine;
  const kernels = engine.kernels<Kernels>(referenceKernels);
  const A = arena.f32(matrix, n * n);
  const size = Math.min(BLOCK, n);
  const [row, swept, turned, small] = [allocate(size * n), allocate(size * n), allocate(size * n), allocate(size * size)];
  const R = arena.f32(row, size * n);
  const S = arena.f32(swept, size * n);
  const inverse = arena.f32(small, size * size);
  for (let first = 0; first < n; first += size) {
    const w = Math.min(size, n - first);
    for (let c = 0; c < w; c++) {
      for (let j = 0; j < first; j++) R[c * n + j] = A[j * n + first + c]!;
      R.set(A.subarray((first + c) * n + first, (first + c + 1) * n), c * n + first);
      // Of the block itself, the upper half is up to date.
      for (let j = 0; j < c; j++) R[c * n + first + j] = R[j * n + first + c]!;
    }
    const block = Float64Array.from({ length: w * w }, (_, at) => R[Math.floor(at / w) * n + first + (at % w)]!);
    inverse.set(invertSmall(block, w));
    kernels.gemm(w, n, w, small, row, swept, 0, placeStruct(arena, Form, { aRow: w, aCol: 1, bRow: n, cRow: n }));
    kernels.transpose(w, n, row, turned, w);
    kernels.axpy(w * n, -2, swept, swept);
    const add = placeStruct(arena, Form, { aRow: w, aCol: 1, bRow: n, cRow: n, accumulate: 1 });
    for (let i = 0; i < n; i += BLOCK) {
      const rows = Math.min(BLOCK, n - i);
      kernels.gemm(rows, n - i, w, turned + 4 * i * w, swept + 4 * i, matrix + 4 * (i * n + i), 0, add);
    }
    for (let c = 0; c < w; c++) {
      for (let j = 0; j < first; j++) A[j * n + first + c] = -S[c * n + j]!;
      for (let j = first; j < n; j++) A[(first + c) * n + j] = -S[c * n + j]!;
      for (let j = 0; j < w; j++) A[(first + c) * n + first + j] = -inverse[c * w + j]!;
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) A[i * n + j] = A[j * n + i]!;
};
