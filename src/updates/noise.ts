import { z } from 'zod';
import type { UpdateStepDefinition } from './update-step.js';

const options = z.strictObject({
  sigma: z.number().min(0).default(0.01).describe('standard deviation of the noise, as a multiple of the bound'),
  bound: z.number().positive().default(1).describe('norm that the noise is scaled by: that of the step clip before it'),
});

/**
 * x + N(0, σ²S²) on every number that is sent, those of decoy rows included. It is the Gaussian mechanism on each device (McMahan et al., ICLR 2018,
 * section 2, where the server adds it once). No privacy budget is computed from it.
 */
export const noise: UpdateStepDefinition<z.infer<typeof options>> = {
  name: 'noise',
  version: '1',
  options,
  traits: { hides: [] },
  onDevice:
    ({ sigma, bound }) =>
    ({ tensors }, { source }) =>
      tensors.map((values) => values.map((value) => value + sigma * bound * source.normal())),
};
