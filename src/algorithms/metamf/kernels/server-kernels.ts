import type { KernelPool, Kernels, KernelTask } from '../../../tensor/kernels/kernels.js';
import { referenceKernels } from '../../../tensor/kernels/reference.js';
import type { GenerationKernels } from './generation-kernels.js';
import { generationReference } from './generation-reference.js';

/** All kernels of the server half. */
export type ServerKernels = Kernels & GenerationKernels;
export type ServerPool = KernelPool<ServerKernels>;
export type ServerTask = KernelTask<ServerKernels>;

export const serverReference = (memory: WebAssembly.Memory): ServerKernels => ({
  ...referenceKernels(memory),
  ...generationReference(memory),
});
