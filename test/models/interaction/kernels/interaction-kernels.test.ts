import { describe, expect, it } from 'vitest';
import { type Random, random } from '../../../../src/base/random.js';
import type { InteractionKernels } from '../../../../src/models/interaction/kernels/interaction-kernels.js';
import { interactionReference } from '../../../../src/models/interaction/kernels/interaction-reference.js';
import * as Pairs from '../../../../src/models/interaction/kernels/structs/pairs.js';
import * as RowState from '../../../../src/models/interaction/kernels/structs/row-state.js';
import { simdKernels } from '../../../../src/tensor/kernels/simd.js';
import { structOf } from '../../../../src/tensor/memory/struct.js';
import { implementationsOf } from '../../../support/tensors/implementations.js';
import { expectSameOutcome, hyper, indices, type Pass, type Put, product, whole } from '../../../support/tensors/kernel-workbench.js';

// As in kernels.test.ts: numbers whose sums are exact have to come out equal bit for bit, guards included.

const { definition, others } = implementationsOf<InteractionKernels>(interactionReference, { SIMD: simdKernels });

const ROWS = 5;

type Batch = { readonly job: number; readonly errors: number; readonly out: number };

/** A batch of pairs, users and items of which occur twice. Slopes hold what earlier pairs added. */
const batchOf = (put: Put, pass: Pass, d: number, f: number, count: number): Batch => {
  const source = random(1, d, f, count);
  const small = (of: Random, size: number): Float32Array => whole(of, size).map((x) => Math.sign(x));
  const draw = (size: number): number => put(small(source, size));
  const ids = { users: put(indices(source, count, ROWS)), items: put(indices(source, count, ROWS)) };
  const table = ROWS * (2 * d + 4);
  const rows = { userRows: draw(table), itemRows: draw(table), userSlopes: draw(table), itemSlopes: draw(table) };
  const layers = { product: draw(count * d), joined: draw(count * 2 * d), joinedSlopes: draw(count * 2 * d) };
  const top = { hidden: draw(count * f), hiddenSlopes: draw(count * f), output: draw(d + f + 4), outputSlopes: draw(d + f + 4) };
  const job = pass(structOf(Pairs, { width: d, last: f, ...ids, ...rows, ...layers, ...top }));
  return { job, errors: draw(count), out: put(new Float32Array(count)) };
};

const calls: Readonly<Record<string, (kernels: InteractionKernels, batch: Batch, count: number) => void>> = {
  gatherPairs: (kernels, { job }, count) => kernels.gatherPairs(job, count),
  outputPairs: (kernels, { job, out }, count) => kernels.outputPairs(job, count, out),
  outputPairsBackward: (kernels, { job, errors }, count) => kernels.outputPairsBackward(job, count, errors),
  scatterPairs: (kernels, { job, errors }, count) => kernels.scatterPairs(job, count, errors),
};

describe.each(others)('the interaction kernels of $name', ({ on }) => {
  it.each(Object.entries(calls))('%s equals the reference, at every size', (_, call) => {
    for (const [[d, f], count] of product(product([4, 8, 20], [4, 12]), [0, 1, 9])) {
      const run = (kernels: InteractionKernels, put: Put, pass: Pass): void => call(kernels, batchOf(put, pass, d, f, count), count);
      expectSameOutcome(on(run), definition.on(run), `${d}, ${f}, ${count} pairs`);
    }
  });

  it('stepRows steps the rows of its list, and leaves their gradients zero and other rows alone', () => {
    const [rows, size] = [6, 8];
    const exact = { scale: 1, rate: 0.5, correction: 0, epsilon: 1, beta1: 0, beta2: 0, decay: 0, decoupled: 0 };
    const run = (kernels: InteractionKernels, put: Put, pass: Pass): void => {
      const [weights, moment, variance, slopes] = [1, 2, 3, 4].map((key) => put(whole(random(key), rows * size).map(Math.abs)));
      const state = pass(structOf(RowState, { weights: weights!, moment: moment!, variance: variance!, slopes: slopes! }));
      kernels.stepRows(2, put(Uint32Array.of(4, 1)), size, state, pass(hyper(exact)));
    };
    const found = on(run);
    expectSameOutcome(found, definition.on(run));
    const gradients = found.buffers[3]!;
    for (const row of [4, 1]) expect(Array.from(gradients.slice(row * size, (row + 1) * size))).toEqual(new Array(size).fill(0));
    expect(gradients.slice(0, size)).toEqual(whole(random(4), size).map(Math.abs));
  });
});
