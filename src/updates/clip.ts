import { z } from 'zod';
import { normOf } from '../base/norm.js';
import type { UpdateStepDefinition } from './update-step.js';

const options = z.strictObject({
  bound: z.number().positive().default(1).describe('most L2 norm of a whole update, over all of its tensors'),
});

/**
 * x / max(1, ‖x‖₂ / S): the flat clipping of McMahan et al., "Learning differentially private recurrent language models", ICLR 2018, section 2.
 * An honest device bounds its own weight. An attacker does not: see the aggregator norm-clip.
 */
export const clip: UpdateStepDefinition<z.infer<typeof options>> = {
  name: 'clip',
  version: '1',
  options,
  traits: { hides: [] },
  onDevice:
    ({ bound }) =>
    ({ tensors }) => {
      const norm = normOf(tensors);
      if (norm <= bound) return tensors;
      return tensors.map((values) => values.map((value) => (value * bound) / norm));
    },
};
