import { describe, expect, it } from 'vitest';
import { random } from '../../../src/base/random.js';
import type { Kernels } from '../../../src/tensor/kernels/kernels.js';
import { structOf } from '../../../src/tensor/memory/struct.js';
import * as Rows from '../../../src/tensor/structs/rows.js';
import { KERNELS } from '../../support/tensors/implementations.js';
import {
  BEYOND_2_GIB,
  type Call,
  createWorkbench,
  expectSameOutcome,
  farMemory,
  form,
  hyper,
  largestDifference,
  product,
  real,
  sharedMemory,
  whole,
} from '../../support/tensors/kernel-workbench.js';

// Whole-number inputs make every sum exact, so an implementation has to equal the definition bit for bit, outputs, guards and
// untouched neighbours alike. Rounding is tested apart.

const { definition, others, all, expectSame: expectSameOf } = KERNELS;

const counts = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 127, 1000, 1003];

describe.each(others)('gemm of $name', (implementation) => {
  const { on } = implementation;
  const expectSame = expectSameOf(implementation);
  const sizes = product(product([0, 1, 2, 3, 4, 5, 7, 17], [0, 1, 3, 4, 5, 15, 16, 17, 22, 39]), [0, 1, 2, 7, 63, 64, 65, 131]);

  it.each([
    ['overwrites', 0, 0],
    ['adds a bias', 0, 1],
    ['accumulates', 1, 0],
    ['accumulates and adds a bias', 1, 1],
  ])('%s, at every edge of the tiles', (_, accumulate, biased) => {
    for (const [[m, n], k] of sizes) {
      const source = random(1, m, n, k);
      const a = whole(source, m * k),
        b = whole(source, k * n),
        c = whole(source, m * n),
        bias = whole(source, n);
      expectSame(
        (kernels, put, pass) => kernels.gemm(m, n, k, put(a), put(b), put(c), biased ? put(bias) : 0, pass(form(k, n, { accumulate }))),
        `${m}×${k}×${n}`,
      );
    }
  });

  it('reads a transposed A and leaves the gaps between strided rows alone', () => {
    for (const [[m, n], k] of sizes) {
      const source = random(2, m, n, k),
        [aRow, aCol, bRow, cRow] = [3, 3 * m + 2, n + 5, n + 3],
        strided = form(k, n, { aRow, aCol, bRow, cRow, accumulate: 1 });
      const a = whole(source, (m + k) * (aRow + aCol)),
        b = whole(source, (k + 1) * bRow),
        c = whole(source, (m + 1) * cRow);
      expectSame((kernels, put, pass) => kernels.gemm(m, n, k, put(a), put(b), put(c), 0, pass(strided)), `${m}×${k}×${n}`);
    }
  });

  it('gives an element the same bits whichever tile computes it', () => {
    const m = 9,
      n = 53,
      k = 150,
      source = random(3);
    const a = real(source, m * k),
      b = real(source, k * n),
      bias = real(source, n),
      empty = new Float32Array(m * n);
    const atOnce = on((kernels, put, pass) => kernels.gemm(m, n, k, put(a), put(b), put(empty), put(bias), pass(form(k, n))));
    const oneByOne = on((kernels, put, pass) => {
      const [pa, pb, pc, pBias, dense] = [put(a), put(b), put(empty), put(bias), pass(form(k, n))];
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) kernels.gemm(1, 1, k, pa + 4 * i * k, pb + 4 * j, pc + 4 * (i * n + j), pBias + 4 * j, dense);
    });
    expectSameOutcome(oneByOne, atOnce);
  });
});

describe.each(others)('element-wise kernels of $name', (implementation) => {
  const { on } = implementation;
  const expectSame = expectSameOf(implementation);
  const calls: { readonly [Name in keyof Kernels]?: (count: number) => Call } = {
    relu: (count) => (kernels, put) => kernels.relu(count, put(whole(random(4, count), count))),
    reluBackward: (count) => (kernels, put) =>
      kernels.reluBackward(count, put(whole(random(5, count), count)), put(whole(random(6, count), count))),
    axpy: (count) => (kernels, put) => kernels.axpy(count, -2.5, put(whole(random(7, count), count)), put(whole(random(8, count), count))),
    zero: (count) => (kernels, put) => kernels.zero(count, put(whole(random(9, count), count))),
    sumSquares: (count) => (kernels, put) => kernels.sumSquares(count, put(whole(random(10, count), count))),
    dot: (count) => (kernels, put) => kernels.dot(count, put(whole(random(11, count), count)), put(whole(random(12, count), count))),
  };

  it.each(Object.entries(calls))('%s equals the reference at every length', (_, call) => {
    for (const count of counts) expectSame(call(count), `${count} elements`);
  });

  it('relu turns −0 into +0 and keeps NaN, and its backward pass keeps the gradient of NaN', () => {
    const odd = Float32Array.of(-0, Number.NaN, -1, 1, Number.NaN, -0, 2);
    expectSame((kernels, put) => {
      const y = put(odd);
      kernels.relu(7, y);
      kernels.reluBackward(7, y, put(Float32Array.of(1, 2, 3, 4, 5, 6, 7)));
    }, 'odd values');
  });

  it('sums of squares keep float64 precision where float32 would lose it', () => {
    const values = Float32Array.from({ length: 100_001 }, (_, i) => (i === 0 ? 4096 : 0.25));
    const call: Call = (kernels, put) => kernels.sumSquares(values.length, put(values));
    for (const run of [on, definition.on]) expect(run(call).value).toBe(4096 ** 2 + 100_000 / 16);
  });

  it('transpose and addRows equal the reference at every edge of the tiles', () => {
    for (const [rows, columns] of product([0, 1, 3, 4, 5, 16, 17, 37], [0, 1, 3, 4, 5, 15, 16, 17, 39])) {
      const a = whole(random(13, rows, columns), rows * columns),
        sums = whole(random(15), columns);
      for (const outRow of [rows, rows + 5]) {
        const out = whole(random(14), columns * outRow);
        expectSame(
          (kernels, put) => kernels.transpose(rows, columns, put(a), put(out), outRow),
          `transpose ${rows}×${columns} to ${outRow}`,
        );
      }
      expectSame((kernels, put) => kernels.addRows(rows, columns, put(a), put(sums)), `addRows ${rows}×${columns}`);
    }
  });

  it('squaresAndDotItems skips the items that have no slot', () => {
    for (const size of [1, 4, 7, 32]) {
      const slotOf = Int32Array.of(-1, 0, -1, 1, 2, -1);
      const dots = new Float32Array(2);
      const x = whole(random(16, size), 6 * size),
        y = whole(random(17, size), 3 * size);
      expectSame((kernels, put) => kernels.squaresAndDotItems(1, 5, size, put(slotOf), put(x), put(y), put(dots)), `size ${size}`);
      expectSame(
        (kernels, put) => kernels.squaresAndDotItems(3, 0, size, put(slotOf), put(x), put(y), put(dots)),
        `no items of size ${size}`,
      );
    }
  });
});

/** A step of Adam that leaves weights to their decay, and moments as they are. */
const NO_STEP = { scale: 1, rate: 0, correction: 1, epsilon: 1, beta1: 1, beta2: 1 };

describe.each(others)('rounding of $name', ({ on }) => {
  it('of gemm stays within what float32 gives the float64 sum', () => {
    const [n, k, source] = [32, 512, random(21)];
    const [a, b, bias] = [real(source, 4 * k), real(source, k * n), real(source, n)];
    const call: Call = (kernels, put, pass) =>
      kernels.gemm(4, n, k, put(a), put(b), put(new Float32Array(4 * n)), put(bias), pass(form(k, n)));
    const error = largestDifference(on(call), definition.on(call));
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(5e-5);
  });
});

describe.each(others)('pointers of $name', ({ implement }) => {
  it.each(BEYOND_2_GIB)('reach %s', (_, base) => {
    const memory = farMemory();
    const [n, size, k, m] = [5, 8, 64, 3];
    const source = random(22);
    const [a, b, bias] = [whole(source, m * k), whole(source, n * k), whole(source, n)];
    const [slotOf, x, y] = [Int32Array.of(1, -1, 0, -1, 2), whole(source, n * size), whole(source, n * size)];
    const call: Call = (kernels, put, pass) => {
      kernels.gemm(m, n, k, put(a), put(b), put(new Float32Array(m * n)), put(bias), pass(form(k, n)));
      const [w, moment, variance, g, slots] = [put(x), put(y), put(new Float32Array(n)), put(y), put(slotOf)];
      const rows = pass(structOf(Rows, { size, trained: size, slotOf: slots, weights: w, moment, variance }));
      // Numbers that both implementations have exactly: no step, decay by a half.
      kernels.adamRowItems(rows, 0, n, g, pass(hyper({ ...NO_STEP, decay: 0.5, decoupled: 1 })));
      return kernels.squaresAndDotItems(0, n, size, slots, w, g, put(new Float32Array(2)));
    };
    const [found, expected] = [implement, definition.implement].map((each) => createWorkbench(each, base, memory)(call));
    expectSameOutcome(found!, expected!);
  });
});

it.each(all)('$name refuses to write outside its memory', ({ implement }) => {
  const kernels = implement(sharedMemory(1));
  expect(() => kernels.relu(8, 65_536 - 16)).toThrow();
});
