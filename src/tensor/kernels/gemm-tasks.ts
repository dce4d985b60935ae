import type { Arena, Pointer } from '../memory/arena.js';
import { placeStruct } from '../memory/struct.js';
import * as Form from '../structs/form.js';
import type { Kernels, KernelTask } from './kernels.js';

/** Columns of a task: a multiple of the kernel's tile, and few enough that a few matrices give every thread work. */
const COLUMNS = 64;

/** One matrix product as tasks over columns of C. The cut changes no bit of it. */
export const gemmTasks = (memory: number, ...args: Parameters<Kernels['gemm']>): KernelTask[] => {
  const [m, n, k, a, b, c, bias, form] = args;
  return Array.from({ length: Math.ceil(n / COLUMNS) }, (_, i): KernelTask => {
    const first = i * COLUMNS;
    const at = 4 * first;
    const columns = Math.min(COLUMNS, n - first);
    return { kernel: 'gemm', memory, args: [m, columns, k, a, b + at, c + at, bias === 0 ? 0 : bias + at, form] };
  });
};

/** How the matrices of one product lie: [row, column] strides of A, rows of B and of C. */
export const placeForm = (arena: Arena, [aRow, aCol]: readonly [number, number], bRow: number, cRow: number, accumulate = false): Pointer =>
  placeStruct(arena, Form, { aRow, aCol, bRow, cRow, accumulate: Number(accumulate) });
