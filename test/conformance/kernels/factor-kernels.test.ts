import { describe, expect, it } from 'vitest';
import { random } from '../../../src/base/random.js';
import type { FactorKernels } from '../../../src/models/factors/kernels/factor-kernels.js';
import { factorReference } from '../../../src/models/factors/kernels/factor-reference.js';
import * as Descent from '../../../src/models/factors/kernels/structs/descent.js';
import * as Factors from '../../../src/models/factors/kernels/structs/factors.js';
import { simdKernels } from '../../../src/tensor/kernels/simd.js';
import { structOf, write } from '../../../src/tensor/memory/struct.js';
import { implementationsOf } from '../../support/tensors/implementations.js';
import { type Call, indices, type Put, real } from '../../support/tensors/kernel-workbench.js';

const KERNELS = implementationsOf<FactorKernels>(factorReference, { SIMD: (memory) => simdKernels<FactorKernels>(memory) });
const [USERS, ITEMS] = [5, 9];
const WIDTHS = [4, 8, 12, 16, 36];

/** Ratings of five users on nine items; the second has none. */
const OFFSETS = Uint32Array.of(0, 4, 4, 5, 12, 14);
const IDS = Uint32Array.of(0, 3, 8, 5, 2, 0, 1, 2, 4, 6, 7, 8, 3, 1);
const VALUES = Float32Array.from(IDS, (id) => 1 + (id % 5));

type Parts = { readonly biases: boolean; readonly implicit: boolean; readonly weights?: boolean };

/** A user and an item without weight are among them. */
const weightsOf = (put: Put, count: number): number => put(Float32Array.from({ length: count }, (_, at) => (at % 4) / 4));

const lay = (put: Put, k: number, { biases, implicit, weights = false }: Parts, positive = false) => {
  const table = (seed: number, count: number): number => put(real(random(seed, k), count).map((x) => (positive ? Math.abs(x) + 0.1 : x)));
  const pointers = { users: table(1, USERS * k), items: table(2, ITEMS * k) };
  return {
    ...pointers,
    ...{ userBias: biases ? table(3, USERS) : 0, itemBias: biases ? table(4, ITEMS) : 0, implicit: implicit ? table(5, ITEMS * k) : 0 },
    ...{ offsets: put(OFFSETS), ids: put(IDS), values: put(VALUES), work: put(new Float32Array(2 * k)), k },
    ...(weights && { userWeight: weightsOf(put, USERS), itemWeight: weightsOf(put, ITEMS) }),
  };
};

const hyper = (): Float64Array => {
  const struct = new Float64Array(5);
  write(struct, Descent, { mean: 3.2, rate: 0.05, decay: 0.1, biasDecay: 0.02, implicitDecay: 0.03 });
  return struct;
};

/** Room for work may differ: it is the last buffer that `lay` puts. */
const WORK = (parts: Parts): number => 5 + (parts.biases ? 2 : 0) + (parts.implicit ? 1 : 0);

const expectAgreement = (on: (typeof KERNELS.others)[number]['on'], call: Call<FactorKernels>, work: number): void => {
  const [found, expected] = [on(call), KERNELS.definition.on(call)];
  expect(Math.abs(found.value - expected.value)).toBeLessThanOrEqual(1e-5 * Math.abs(expected.value));
  expected.buffers.forEach((buffer, b) => {
    if (b !== work) buffer.forEach((value, at) => expect(found.buffers[b]![at], `buffer ${b}, ${at}`).toBeCloseTo(value, 5));
  });
};

const PARTS = [
  { biases: false, implicit: false },
  { biases: true, implicit: false },
  { biases: true, implicit: true },
  { biases: false, implicit: true },
  { biases: true, implicit: false, weights: true },
];

describe.each(KERNELS.others)('the factor kernels of $name', ({ on }) => {
  it('descend as the reference does, with and without biases, implicit vectors and weights, and write nowhere else', () => {
    for (const k of WIDTHS)
      for (const parts of PARTS)
        expectAgreement(
          on,
          (kernels, put, pass) => {
            const model = pass(structOf(Factors, lay(put, k, parts)));
            return kernels.descendFactors(model, 4, put(Uint32Array.of(3, 0, 1, 4)), pass(hyper()));
          },
          WORK(parts),
        );
  });

  it('add up the implicit vectors of users as the reference does', () => {
    for (const k of WIDTHS)
      expectAgreement(
        on,
        (kernels, put, pass) => {
          const model = pass(structOf(Factors, lay(put, k, PARTS[2]!)));
          kernels.implicitUsers(model, 1, 4, put(new Float32Array(4 * k)));
        },
        WORK(PARTS[2]!),
      );
  });

  it('rank pairs as the reference does', () => {
    for (const k of WIDTHS)
      for (const parts of PARTS.slice(0, 2))
        expectAgreement(
          on,
          (kernels, put, pass) => {
            const model = pass(structOf(Factors, lay(put, k, parts)));
            const [user, positive, negative] = [indices(random(1), 20, USERS), indices(random(2), 20, 4), indices(random(3), 20, 4)];
            const others = negative.map((item) => item + 4);
            return kernels.descendPairs(model, 20, put(user), put(positive), put(others), pass(hyper()));
          },
          WORK(parts),
        );
  });

  it('rank pairs of any margin as the reference does', () => {
    for (const scale of [0, 1, 30, 900])
      expectAgreement(
        on,
        (kernels, put, pass) => {
          const laid = { k: 4, users: put(Float32Array.of(1, 0, 0, 0)), items: put(Float32Array.of(scale, 0, 0, 0, -scale, 0, 0, 0)) };
          const model = pass(structOf(Factors, laid));
          const [zero, one] = [Uint32Array.of(0, 0), Uint32Array.of(0, 1)];
          return kernels.descendPairs(model, 2, put(zero), put(one), put(one.toReversed()), pass(hyper()));
        },
        -1,
      );
  });

  it('multiply as the reference does', () => {
    for (const k of WIDTHS)
      expectAgreement(
        on,
        (kernels, put, pass) => kernels.multiplyFactors(pass(structOf(Factors, lay(put, k, PARTS[0]!, true))), 0, USERS, 0.3),
        WORK(PARTS[0]!),
      );
  });
});
