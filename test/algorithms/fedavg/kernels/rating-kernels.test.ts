import { describe, expect, it } from 'vitest';
import type { RatingKernels } from '../../../../src/algorithms/fedavg/kernels/rating-kernels.js';
import { ratingReference } from '../../../../src/algorithms/fedavg/kernels/rating-reference.js';
import * as Rated from '../../../../src/algorithms/fedavg/kernels/structs/rated.js';
import { type Random, random } from '../../../../src/base/random.js';
import { simdKernels } from '../../../../src/tensor/kernels/simd.js';
import { structOf } from '../../../../src/tensor/memory/struct.js';
import { expectClose } from '../../../support/tensors/closeness.js';
import { implementationsOf } from '../../../support/tensors/implementations.js';
import { expectSameOutcome, indices, type Outcome, type Pass, type Put, product, real } from '../../../support/tensors/kernel-workbench.js';

// As in kernels.test.ts: numbers whose sums are exact have to come out equal bit for bit, guards included.

const { definition, others } = implementationsOf<RatingKernels>(ratingReference, { SIMD: simdKernels });

const signs = (source: Random, count: number): Float32Array => Float32Array.from({ length: count }, () => source.integer(3) - 1);
const ITEMS = 6;

type Case = { readonly d: number; readonly f: number; readonly count: number; readonly batch: number; readonly rate: number };
type Draw = (source: Random, count: number) => Float32Array;

const denseSize = ({ d, f }: Case): number => f * d + 2 * f + d + 4;

/** Rows are drawn with repetition: two ratings of a batch may be of one item. */
const descend = (kernels: RatingKernels, put: Put, pass: Pass, sizes: Case, draw: Draw): number => {
  const { d, f, count, batch, rate } = sizes;
  const source = random(1, d, f, count);
  const dense = denseSize(sizes);
  const [row, value] = [put(indices(source, count, ITEMS)), put(draw(source, count))];
  const [items, gItems] = [put(draw(source, ITEMS * d)), put(new Float32Array(ITEMS * d))];
  const [w, g, work] = [put(draw(source, dense)), put(new Float32Array(dense)), put(new Float32Array(2 * d + f))];
  const model = pass(structOf(Rated, { d, f, items, gItems, w, g, work }));
  return kernels.descendRatings(model, count, batch, row, value, rate);
};

const predict = (kernels: RatingKernels, put: Put, pass: Pass, sizes: Case, draw: Draw): void => {
  const { d, f, count } = sizes;
  const source = random(2, d, f, count);
  const [row, items, w] = [put(indices(source, count, ITEMS)), put(draw(source, ITEMS * d)), put(draw(source, denseSize(sizes)))];
  const [work, out] = [put(new Float32Array(2 * d + f)), put(new Float32Array(count))];
  kernels.predictRatings(pass(structOf(Rated, { d, f, items, w, work })), count, row, out);
};

/** What the kernel leaves in `work` is its own. */
const withoutWork = ({ value, buffers }: Outcome, work: number): Outcome => ({ value, buffers: buffers.filter((_, at) => at !== work) });

const sizes = product([4, 8, 12, 32], [4, 8, 12]);

describe.each(others)('the rating kernels of $name', ({ on }) => {
  it('predict as the reference does, at every size', () => {
    for (const [[d, f], count] of product(sizes, [0, 1, 2, 9])) {
      const shape = { d, f, count, batch: 1, rate: 0 };
      const [found, expected] = [on, definition.on].map((run) =>
        withoutWork(
          run((kernels, put, pass) => predict(kernels, put, pass, shape, signs)),
          3,
        ),
      );
      expectSameOutcome(found!, expected!, `${d}, ${f}, ${count} ratings`);
    }
  });

  it('descend as the reference does, at every size, and leave their gradients zero', () => {
    for (const [[d, f], count] of product(sizes, [0, 1, 2, 8])) {
      const shape = { d, f, count, batch: 8, rate: 1 / 64 };
      const [found, expected] = [on, definition.on].map((run) =>
        withoutWork(
          run((kernels, put, pass) => descend(kernels, put, pass, shape, signs)),
          6,
        ),
      );
      expectSameOutcome(found!, expected!, `${d}, ${f}, ${count} ratings`);
      for (const at of [3, 5]) expect(found!.buffers[at]!.slice(0, -20).every((gradient) => gradient === 0)).toBe(true);
    }
  });

  it('descend batch by batch, each from where the last one led', () => {
    for (const batch of [1, 3, 4, 100]) {
      const shape = { d: 8, f: 4, count: 11, batch, rate: 0.05 };
      const [found, expected] = [on, definition.on].map((run) => run((kernels, put, pass) => descend(kernels, put, pass, shape, real)));
      expect(found!.value / expected!.value).toBeCloseTo(1, 5);
      for (const at of [2, 4]) expectClose(found!.buffers[at]!.slice(0, -20), expected!.buffers[at]!.slice(0, -20), 1e-6, `batch ${batch}`);
    }
  });
});
