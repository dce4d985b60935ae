import { describe, expect, it } from 'vitest';
import { type Random, random } from '../../../../src/base/random.js';
import type { ColumnKernels } from '../../../../src/models/autoencoders/kernels/column-kernels.js';
import { columnReference } from '../../../../src/models/autoencoders/kernels/column-reference.js';
import * as Columns from '../../../../src/models/autoencoders/kernels/structs/columns.js';
import { simdKernels } from '../../../../src/tensor/kernels/simd.js';
import { structOf } from '../../../../src/tensor/memory/struct.js';
import { expectClose } from '../../../support/tensors/closeness.js';
import { implementationsOf } from '../../../support/tensors/implementations.js';
import { expectSameOutcome, hyper, type Outcome, type Pass, type Put, real, whole } from '../../../support/tensors/kernel-workbench.js';

// As in kernels.test.ts: numbers whose sums are exact have to come out equal bit for bit, guards included.

const { definition, others } = implementationsOf<ColumnKernels>(columnReference, { SIMD: simdKernels });

const SLOTS = 5;
/** Columns with many cells, one and none. */
const CELLS = [3, 0, 5, 1, 2] as const;

type Draw = (source: Random, count: number) => Float32Array;
const BUFFERS = ['hidden', 'slopes', 'input', 'value', 'encoder', 'encoderMoment', 'encoderVariance', 'decoder', 'decoderMoment'] as const;

/** Lays out a batch; the last buffer is `work`, which is the kernel's own. */
const batchOf = (put: Put, pass: Pass, width: number, draw: Draw): number => {
  const source = random(1, width);
  const columns = CELLS.length;
  const starts = Uint32Array.from({ length: columns + 1 }, (_, c) => CELLS.slice(0, c).reduce((sum: number, cells) => sum + cells, 0));
  const cells = starts[columns]!;
  const slot = put(Uint32Array.from(CELLS.flatMap((count) => Array.from({ length: count }, (_, i) => (2 * i + count) % SLOTS))));
  const sizes = [SLOTS * width, SLOTS * width, cells, cells, ...BUFFERS.slice(4).map(() => columns * width)];
  const placed = BUFFERS.map((name, i) => {
    const drawn = draw(source, sizes[i]!);
    return [name, put(name.endsWith('Variance') ? drawn.map(Math.abs) : drawn)] as const;
  });
  const rest = {
    decoderVariance: draw(source, columns * width).map(Math.abs),
    bias: draw(source, columns),
    biasMoment: draw(source, columns),
  };
  const others = Object.entries(rest).map(([name, values]) => [name, put(values)] as const);
  const biasVariance = put(draw(source, columns).map(Math.abs));
  const job = { width, starts: put(starts), slot, biasVariance, ...Object.fromEntries([...placed, ...others]) };
  return pass(structOf(Columns, { ...job, work: put(new Float32Array(width)) }));
};

const withoutWork = ({ value, buffers }: Outcome): Outcome => ({ value, buffers: buffers.slice(0, -1) });

/** Exact steps: moments take the gradient itself, and the step divides by 1. */
const EXACT = { scale: 1, rate: 0.5, correction: 0, epsilon: 1, beta1: 0, beta2: 0, decay: 2, decoupled: 0 };
const ADAM = { scale: 2, rate: 0.01, correction: 1.5, epsilon: 1e-8, beta1: 0.9, beta2: 0.999, decay: 0.1, decoupled: 0 };

type Step = (kernels: ColumnKernels, job: number, hyper: number) => number | void;
const steps: Readonly<Record<string, Step>> = {
  encodeColumns: (kernels, job) => kernels.encodeColumns(job, 0, CELLS.length),
  stepDecoderColumns: (kernels, job, at) => kernels.stepDecoderColumns(job, 0, CELLS.length, at),
  stepEncoderColumns: (kernels, job, at) => kernels.stepEncoderColumns(job, 0, CELLS.length, at),
};

describe.each(others)('the column kernels of $name', ({ on }) => {
  const outcomes = (width: number, draw: Draw, values: typeof ADAM, step: Step): readonly [Outcome, Outcome] => {
    const [found, expected] = [on, definition.on].map((run) =>
      withoutWork(run((kernels, put, pass) => step(kernels, batchOf(put, pass, width, draw), pass(hyper(values))))),
    );
    return [found!, expected!];
  };

  it.each(Object.entries(steps))('%s equals the reference, at every width', (_, step) => {
    for (const width of [4, 12, 16, 20, 68]) expectSameOutcome(...outcomes(width, whole, EXACT, step), `width ${width}`);
  });

  it.each(Object.entries(steps))('%s stays within rounding of the reference with drawn numbers', (_, step) => {
    const [found, expected] = outcomes(36, real, ADAM, step);
    expect(found.value).toBeCloseTo(expected.value, 4);
    found.buffers.forEach((buffer, at) => expectClose(buffer.slice(0, -20), expected.buffers[at]!.slice(0, -20), 1e-6, `buffer ${at}`));
  });

  it.each(Object.entries(steps))('%s has the same bits when its columns are cut', (name, step) => {
    const cut = (kernels: ColumnKernels, job: number, at: number): void => {
      const ranges = [
        [0, 2],
        [2, 3],
      ] as const;
      for (const [first, count] of ranges) {
        if (name === 'encodeColumns') kernels.encodeColumns(job, first, count);
        else kernels[name as 'stepDecoderColumns' | 'stepEncoderColumns'](job, first, count, at);
      }
    };
    const [once, twice] = [step, cut].map((each) =>
      on((kernels, put, pass) => each(kernels, batchOf(put, pass, 20, real), pass(hyper(ADAM)))),
    );
    expectSameOutcome({ ...twice!, value: once!.value }, once!);
  });
});
