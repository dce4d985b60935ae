import type { Kernels } from '../../../tensor/kernels/kernels.js';
import { referenceKernels } from '../../../tensor/kernels/reference.js';
import type { ColumnKernels } from './column-kernels.js';
import { columnReference } from './column-reference.js';
import type { LikelihoodKernels } from './likelihood-kernels.js';
import { likelihoodReference } from './likelihood-reference.js';

/** What autoencoders call: the kernels of all, those of columns, and losses of whole rows. */
export type AutoencoderKernels = Kernels & ColumnKernels & LikelihoodKernels;

export const autoencoderReference = (memory: WebAssembly.Memory): AutoencoderKernels => ({
  ...referenceKernels(memory),
  ...columnReference(memory),
  ...likelihoodReference(memory),
});
