import { describe, expect, it } from 'vitest';
import { random } from '../../../../src/base/random.js';
import type { LikelihoodKernels } from '../../../../src/models/autoencoders/kernels/likelihood-kernels.js';
import { likelihoodReference } from '../../../../src/models/autoencoders/kernels/likelihood-reference.js';
import { simdKernels } from '../../../../src/tensor/kernels/simd.js';
import { expectClose } from '../../../support/tensors/closeness.js';
import { implementationsOf } from '../../../support/tensors/implementations.js';
import { type Put, real } from '../../../support/tensors/kernel-workbench.js';

const { definition, others, all } = implementationsOf<LikelihoodKernels>(likelihoodReference, { SIMD: simdKernels });

const losses = ['softmaxLoss', 'logisticLoss'] as const;
/** Positives of four rows: some, none, one, the last column. */
const positives = [[0, 2, 1], [], [1], [2, 0]];
const rows = Uint32Array.of(3, 0, 1, 2);

const call =
  (name: (typeof losses)[number], columns: number, logits: Float32Array) =>
  (kernels: LikelihoodKernels, put: Put): number => {
    const offsets = put(Uint32Array.of(0, 3, 3, 4, 6));
    return kernels[name](rows.length, columns, put(rows), offsets, put(Uint32Array.from(positives.flat())), put(logits));
  };

describe.each(others)('losses of whole rows of $name', ({ on }) => {
  it.each(losses)('%s stays within rounding of the reference, at every length', (name) => {
    for (const columns of [3, 4, 7, 8, 301, 1000]) {
      for (const size of [0.1, 3, 40]) {
        const logits = real(random(1, columns), rows.length * columns).map((x) => size * x);
        const [found, expected] = [on, definition.on].map((run) => run(call(name, columns, logits)));
        expect(found!.value / expected!.value, `${columns} columns of ${size}`).toBeCloseTo(1, 5);
        expectClose(found!.buffers[3]!, expected!.buffers[3]!, 1e-6, `${columns} columns of ${size}`);
      }
    }
  });
});

describe.each(all)('losses of whole rows of $name', ({ on }) => {
  it.each(losses)('%s leaves its gradient where the logits were', (name) => {
    const columns = 5;
    const logits = real(random(2), rows.length * columns);
    const gradient = on(call(name, columns, logits)).buffers[3]!;
    const lossAt = (at: number, step: number): number =>
      on(
        call(
          name,
          columns,
          logits.map((x, i) => (i === at ? x + step : x)),
        ),
      ).value;
    for (const at of logits.keys()) expect(gradient[at]).toBeCloseTo((lossAt(at, 0.01) - lossAt(at, -0.01)) / 0.02, 3);
  });

  it.each(losses)('%s shows diverged scores as NaN', (name) => {
    expect(on(call(name, 3, new Float32Array(12).fill(Number.NaN))).value).toBeNaN();
  });
});
