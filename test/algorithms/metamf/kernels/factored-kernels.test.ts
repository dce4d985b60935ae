import { describe, it } from 'vitest';
import type { FactoredKernels } from '../../../../src/algorithms/metamf/kernels/factored-kernels.js';
import { factoredReference } from '../../../../src/algorithms/metamf/kernels/factored-reference.js';
import * as Factored from '../../../../src/algorithms/metamf/kernels/structs/factored.js';
import { type Random, random } from '../../../../src/base/random.js';
import { simdKernels } from '../../../../src/tensor/kernels/simd.js';
import { structOf } from '../../../../src/tensor/memory/struct.js';
import { type Implementation, implementationsOf } from '../../../support/tensors/implementations.js';
import {
  type Call,
  expectSameOutcome,
  indices,
  type Outcome,
  type Pass,
  type Put,
  product,
  real,
} from '../../../support/tensors/kernel-workbench.js';

// Unlike the float32 kernels, these agree bit for bit on any numbers: both do the same operations in the same order.

const { definition, others } = implementationsOf<FactoredKernels>(factoredReference, { SIMD: simdKernels });

const ITEMS = 6;

type Case = { readonly s: number; readonly d: number; readonly f: number; readonly count: number; readonly offset: number };

const even = (count: number): number => Math.ceil(count / 2) * 2;

/** `rows` rows of `width` numbers, each followed by zero up to an even number, as the words of float64. */
const paddedRows = (source: Random, rows: number, width: number): number[] =>
  Array.from({ length: rows }, () => [...real(source, width), ...(width % 2 === 0 ? [] : [0])]).flat();

const words = (doubles: readonly number[]): Uint32Array => new Uint32Array(Float64Array.from(doubles).buffer);

type Inputs = Readonly<Record<'row' | 'value' | 'low' | 'dense' | 'work', number>>;

/** Rows are drawn with repetition: several ratings may be of one item. */
const putInputs = (put: Put, { s, d, f, count }: Case, special?: number): Inputs => {
  const source = random(1, s, d, f, count);
  const rise = Array.from(real(source, s * d));
  const dense = [...rise, ...paddedRows(source, d + 2, f), source.normal()];
  if (special !== undefined) dense[0] = special;
  return {
    row: put(indices(source, count, ITEMS)),
    value: put(real(source, count)),
    low: put(words(paddedRows(source, ITEMS, s))),
    dense: put(words(dense)),
    work: put(new Uint32Array(2 * ((2 * s + 4) * even(f) + f * even(s) + f * even(d)))),
  };
};

const WORK = 4;

const differentiate = (kernels: FactoredKernels, put: Put, pass: Pass, sizes: Case, special?: number): number => {
  const { s, d, f, count, offset } = sizes;
  const { row, value, low, dense, work } = putInputs(put, sizes, special);
  const gradient = put(new Float32Array(ITEMS * even(s) + s * even(d) + (d + 2) * even(f) + 1).fill(7));
  const model = pass(structOf(Factored, { s, d, f, offset, low, dense, work }));
  return kernels.backwardFactored(model, count, ITEMS, row, value, 0.3, gradient);
};

const predict = (kernels: FactoredKernels, put: Put, pass: Pass, sizes: Case): void => {
  const { s, d, f, count, offset } = sizes;
  const { row, low, dense, work } = putInputs(put, sizes);
  const model = pass(structOf(Factored, { s, d, f, offset, low, dense, work }));
  kernels.predictFactored(model, count, row, 0.3, put(new Float32Array(count)));
};

/** Kernels may leave any numbers in `work`, but none behind it. */
const withoutWork = ({ value, buffers }: Outcome): Outcome => ({
  value,
  buffers: buffers.map((buffer, at) => (at === WORK ? buffer.slice(-20) : buffer)),
});

const both = ({ on }: Implementation<FactoredKernels>, call: Call<FactoredKernels>): readonly [Outcome, Outcome] => [
  withoutWork(on(call)),
  withoutWork(definition.on(call)),
];

const CASES = product(product([1, 2, 3, 8], [1, 5, 32]), product([1, 2, 3, 8, 11], product([0, 1, 9], [0, 1]))).map(
  ([[s, d], [f, [count, offset]]]): Case => ({ s, d, f, count, offset }),
);

describe.each(others)('the kernels of generated models, of $name,', (implementation) => {
  it('predict to the bit as the reference does, at every size', () => {
    for (const sizes of CASES) {
      const [found, expected] = both(implementation, (kernels, put, pass) => predict(kernels, put, pass, sizes));
      expectSameOutcome(found, expected, JSON.stringify(sizes));
    }
  });

  it('differentiate to the bit as the reference does, at every size, for any numbers in the gradient before', () => {
    for (const sizes of CASES) {
      const [found, expected] = both(implementation, (kernels, put, pass) => differentiate(kernels, put, pass, sizes));
      expectSameOutcome(found, expected, JSON.stringify(sizes));
    }
  });

  it('agree to the bit on a model that has diverged', () => {
    for (const special of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const sizes = { s: 8, d: 32, f: 8, count: 9, offset: 0 };
      const [found, expected] = both(implementation, (kernels, put, pass) => differentiate(kernels, put, pass, sizes, special));
      expectSameOutcome(found, expected, String(special));
    }
  });
});
