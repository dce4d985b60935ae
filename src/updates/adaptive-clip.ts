import { z } from 'zod';
import { lengthOf, scaledTo } from './clip.js';
import type { UpdateStepDefinition } from './update-step.js';

const options = z.strictObject({
  quantile: z.number().gt(0).lt(1).default(0.5).describe("share of a cohort's updates that the bound is to leave as they are"),
  rate: z.number().positive().default(0.2).describe('learning rate of the bound, which moves geometrically'),
  initial: z.number().positive().default(0.1).describe('L2 bound of the first round'),
  deviation: z
    .number()
    .min(0)
    .default(0)
    .describe('standard deviation of the noise on the number of updates within the bound; a twentieth of the cohort is usual with noise'),
});

/**
 * The bound follows a quantile of the updates' norms (Andrew et al., "Differentially private learning with adaptive clipping", NeurIPS 2021,
 * algorithm 1). A device's mark says whether its update was within the bound. The coordinator sees the sum of marks, with noise:
 *
 *   b̃ = (Σ bᵢ + N(0, σ_b²)) / cohort,   C ← C · exp(−η (b̃ − γ))
 */
export const adaptiveClip: UpdateStepDefinition<z.infer<typeof options>> = {
  name: 'adaptive-clip',
  version: '1',
  options,
  traits: { hides: [], requires: 'sum', announces: true },
  spend: ({ deviation }) => ({ kind: 'marks', where: 'coordinator', deviation }),
  onDevice:
    () =>
    (update, { announced }) => {
      const bound = { norm: 'l2', most: announced! } as const;
      const mark = lengthOf(update, 'l2') <= bound.most ? 1 : 0;
      return { tensors: scaledTo(update, bound), mark, bound };
    },
  onServer: ({ quantile, rate, initial, deviation }) => {
    let most = initial;
    return {
      announced: () => most,
      bound: () => ({ norm: 'l2', most }),
      aggregate: ({ cohort }, { marks, source }) => {
        const share = (marks + deviation * source.normal()) / cohort;
        most *= Math.exp(-rate * (share - quantile));
      },
      state: () => [most],
      restore: ([saved]) => {
        most = saved!;
      },
    };
  },
};
