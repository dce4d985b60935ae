import type { Kernels } from '../tensor/kernels/kernels.js';
import { referenceKernels } from '../tensor/kernels/reference.js';
import type { RatingKernels } from './fedavg/kernels/rating-kernels.js';
import { ratingReference } from './fedavg/kernels/rating-reference.js';
import type { FactoredKernels } from './metamf/kernels/factored-kernels.js';
import { factoredReference } from './metamf/kernels/factored-reference.js';
import type { GenerationKernels } from './metamf/kernels/generation-kernels.js';
import { generationReference } from './metamf/kernels/generation-reference.js';

/** Every kernel there is: what a pool's thread may be asked for, whichever algorithm made the pool. */
export type AllKernels = Kernels & RatingKernels & FactoredKernels & GenerationKernels;

export const allReferences = (memory: WebAssembly.Memory): AllKernels => ({
  ...referenceKernels(memory),
  ...ratingReference(memory),
  ...factoredReference(memory),
  ...generationReference(memory),
});
