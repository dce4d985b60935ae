import type { Kernels } from '../../../src/tensor/kernels/kernels.js';
import { referenceKernels } from '../../../src/tensor/kernels/reference.js';
import { simdKernels } from '../../../src/tensor/kernels/simd.js';
import { type Call, createWorkbench, expectSameOutcome, type Outcome } from './kernel-workbench.js';

type Implement<All> = (memory: WebAssembly.Memory) => All;

/** `on`: runs a kernel call on fresh buffers, and returns what it left there. */
export type Implementation<All> = {
  readonly name: string;
  readonly implement: Implement<All>;
  readonly on: (call: Call<All>) => Outcome;
};

const implementation = <All>(name: string, implement: Implement<All>): Implementation<All> => ({
  name,
  implement,
  on: createWorkbench(implement),
});

/**
 * A set of kernels and what implements it. `definition`: plain loops, which say what a kernel does. `others`: compared with it. A property of
 * the numbers themselves holds for `all`. `expectSame`: an outcome equals that of the definition, bit for bit, guards and neighbours included.
 */
export const implementationsOf = <All>(define: Implement<All>, faster: Readonly<Record<string, Implement<All>>>) => {
  const definition = implementation('reference', define);
  const others = Object.entries(faster).map(([name, implement]) => implementation(name, implement));
  const expectSame =
    ({ on }: Implementation<All>) =>
    (call: Call<All>, label: string): void =>
      expectSameOutcome(on(call), definition.on(call), label);
  return { definition, others, all: [definition, ...others], expectSame };
};

/** Of the kernels that every algorithm may use. */
export const KERNELS = implementationsOf<Kernels>(referenceKernels, { SIMD: simdKernels });
