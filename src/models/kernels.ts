import { columnReference } from './autoencoders/kernels/column-reference.js';
import { likelihoodReference } from './autoencoders/kernels/likelihood-reference.js';
import { factorReference } from './factors/kernels/factor-reference.js';
import { interactionReference } from './interaction/kernels/interaction-reference.js';

/** The references of all kernels that central models bring. A pool's thread knows them, with those of algorithms. */
export const modelReferences = (memory: WebAssembly.Memory) => ({
  ...columnReference(memory),
  ...likelihoodReference(memory),
  ...factorReference(memory),
  ...interactionReference(memory),
});
