import type { Kernels } from '../tensor/kernels/kernels.js';
import { referenceKernels } from '../tensor/kernels/reference.js';
import type { RatingKernels } from './fedavg/kernels/rating-kernels.js';
import { ratingReference } from './fedavg/kernels/rating-reference.js';
import type { FactoredKernels } from './metamf/kernels/factored-kernels.js';
import { factoredReference } from './metamf/kernels/factored-reference.js';
import type { GenerationKernels } from './metamf/kernels/generation-kernels.js';
import { generationReference } from './metamf/kernels/generation-reference.js';

/** All kernels. A pool's thread knows them, for the pool of any algorithm. */
export type AllKernels = Kernels & RatingKernels & FactoredKernels & GenerationKernels;

export const allReferences = (memory: WebAssembly.Memory): AllKernels => ({
  ...referenceKernels(memory),
  ...ratingReference(memory),
  ...factoredReference(memory),
  ...generationReference(memory),
});
