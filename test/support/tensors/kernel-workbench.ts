import { expect } from 'vitest';
import type { Random } from '../../../src/base/random.js';
import type { Kernels } from '../../../src/tensor/kernels/kernels.js';
import { type Values as Fields, structOf, write } from '../../../src/tensor/memory/struct.js';
import * as Form from '../../../src/tensor/structs/form.js';
import * as Hyper from '../../../src/tensor/structs/hyper.js';

type Values = Float32Array | Uint32Array | Int32Array;
export type Outcome = { readonly value: number; readonly buffers: readonly Values[] };
/** Lays an array into the memory and returns its pointer. */
export type Put = (values: Values) => number;
/** Lays a struct into the memory and returns its pointer. No kernel may change it, and it is no part of the outcome. */
export type Pass = (struct: Float64Array | Uint32Array) => number;
export type Call<All = Kernels> = (kernels: All, put: Put, pass: Pass) => number | void;

const MEMORY_PAGES = 512;
/** Untouched elements after each buffer: a write past an end changes one. */
const GUARD = 20;
const GUARD_VALUE = 12345;

/** Runs single kernel calls on fresh buffers of one memory and returns all they left there, guards included. */
export const createWorkbench = <All = Kernels>(
  implement: (memory: WebAssembly.Memory) => All,
  base = 64,
  memory = sharedMemory(MEMORY_PAGES),
) => {
  const kernels = implement(memory);
  return (call: Call<All>): Outcome => {
    const placed: Values[] = [];
    const passed: (readonly [placed: ArrayLike<number>, struct: ArrayLike<number>])[] = [];
    let next = base;
    const put: Put = (values) => {
      const pointer = next;
      const guarded = new Float32Array(memory.buffer, pointer, values.length + GUARD).fill(GUARD_VALUE);
      const view =
        values instanceof Float32Array
          ? guarded
          : new (values.constructor as Uint32ArrayConstructor)(memory.buffer, pointer, values.length + GUARD);
      view.set(values);
      placed.push(view);
      next = Math.ceil((pointer + view.byteLength) / 16) * 16;
      return pointer;
    };
    const pass: Pass = (struct) => {
      const pointer = next;
      const view = new (struct.constructor as Float64ArrayConstructor)(memory.buffer, pointer, struct.length);
      view.set(struct);
      passed.push([view, struct]);
      next = Math.ceil((pointer + view.byteLength) / 16) * 16;
      return pointer;
    };
    const value = call(kernels, put, pass) ?? 0;
    for (const [view, struct] of passed) expectSameNumbers(view, struct, 'a struct');
    return { value, buffers: placed.map((view) => view.slice()) };
  };
};

/** Hyperparameters as kernels take them; those that are not given are no numbers, so that a kernel that reads one shows it. */
export const hyper = (values: Fields<typeof Hyper>): Float64Array => {
  const struct = new Float64Array(8).fill(Number.NaN);
  write(struct, Hyper, values);
  return struct;
};

/** How the matrices of a product lie: dense unless it is said. */
export const form = (k: number, n: number, rest: Fields<typeof Form> = {}): Uint32Array =>
  structOf(Form, { aRow: k, aCol: 1, bRow: n, cRow: n, ...rest });

export const sharedMemory = (pages: number, maximum = pages): WebAssembly.Memory =>
  new WebAssembly.Memory({ initial: pages, maximum, shared: true });

/** Where pointers no longer fit 31 bits, in a memory that reaches there. */
export const BEYOND_2_GIB = [
  ['across 2 GiB', 2 ** 31 - 4096],
  ['beyond 2 GiB', 2 ** 31 + 2 ** 27],
] as const;
export const farMemory = (): WebAssembly.Memory => sharedMemory((2 ** 31 + 2 ** 28) / 65_536);

/** Whole numbers from −4 to 4: sums of their products are exact in float32, so that two orders of summation agree bit for bit. */
export const whole = (random: Random, count: number): Float32Array => Float32Array.from({ length: count }, () => random.integer(9) - 4);

/** Uniform in [−1, 1). */
export const real = (random: Random, count: number): Float32Array => Float32Array.from({ length: count }, () => 2 * random.uniform() - 1);

export const indices = (random: Random, count: number, below: number): Uint32Array =>
  Uint32Array.from({ length: count }, () => random.integer(below));

export const product = <A, B>(as: readonly A[], bs: readonly B[]): [A, B][] => as.flatMap((a) => bs.map((b): [A, B] => [a, b]));

/** Bit for bit, but for NaN's payload. Tells the first difference: a matcher's diff of two long arrays takes minutes. */
export const expectSameNumbers = (found: ArrayLike<number>, expected: ArrayLike<number>, label: string): void => {
  expect(found.length, label).toBe(expected.length);
  for (let at = 0; at < expected.length; at++) {
    if (!Object.is(found[at], expected[at])) expect({ at, value: found[at] }, label).toEqual({ at, value: expected[at] });
  }
};

export const expectSameOutcome = (found: Outcome, expected: Outcome, label = ''): void => {
  expect(found.value, label).toBe(expected.value);
  expect(found.buffers.length, label).toBe(expected.buffers.length);
  expected.buffers.forEach((buffer, i) => expectSameNumbers(found.buffers[i]!, buffer, `${label}, buffer ${i}`));
};

/** Between what two runs left in memory. */
export const largestDifference = (one: Outcome, other: Outcome): number =>
  Math.max(...one.buffers.flatMap((buffer, b) => Array.from(buffer, (value, i) => Math.abs(value - other.buffers[b]![i]!))));
