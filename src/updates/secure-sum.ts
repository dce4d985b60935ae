import { z } from 'zod';
import type { UpdateStepDefinition } from './update-step.js';

const options = z.strictObject({
  neighbours: z
    .int()
    .min(0)
    .max(255)
    .default(0)
    .describe('devices that a device masks with and shares its secrets with; 0: 64, or all of a smaller cohort'),
  threshold: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      "share of a device's neighbours that can bring its secrets back; 0: more than half, which a coordinator that cheats cannot get round",
    ),
  range: z
    .number()
    .min(0)
    .default(0)
    .describe('numbers of a weighted update beyond ± this are cut off; 0: the bound of clip where every update counts once, else 1024'),
});

/**
 * The sum of a cohort's updates, of which the coordinator sees masked vectors only. Sources: Bonawitz et al., CCS 2017; Bell et al., CCS 2020. The
 * engine exchanges keys and shares (coordinator/secure, device/secure). On the device, numbers are cut to the range of the vector.
 */
export const secureSum: UpdateStepDefinition<z.infer<typeof options>> = {
  name: 'secure-sum',
  version: '1',
  options,
  traits: { hides: ['norms', 'rows'], requires: 'sum', sends: 'masked' },
  onDevice:
    ({ range }) =>
    ({ tensors }) =>
      range === 0 ? tensors : tensors.map((values) => values.map((value) => Math.max(-range, Math.min(range, value)))),
};
