import type { Kernels, KernelTask } from './kernels.js';

/** Columns a task covers: a multiple of the kernel's tile, small enough that a few matrices make work for every thread. */
const COLUMNS = 64;

/** One matrix product as tasks over columns of C; a cut does not change a single bit of it. */
export const gemmTasks = (memory: number, ...args: Parameters<Kernels['gemm']>): KernelTask[] => {
  const [m, n, k, a, aRow, aCol, b, bRow, c, cRow, bias, accumulate] = args;
  return Array.from({ length: Math.ceil(n / COLUMNS) }, (_, i): KernelTask => {
    const first = i * COLUMNS;
    const at = 4 * first;
    const columns = Math.min(COLUMNS, n - first);
    return {
      kernel: 'gemm',
      memory,
      args: [m, columns, k, a, aRow, aCol, b + at, bRow, c + at, cRow, bias === 0 ? 0 : bias + at, accumulate],
    };
  });
};
