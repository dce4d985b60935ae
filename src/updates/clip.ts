import { z } from 'zod';
import { normOf } from '../base/norm.js';
import type { Bound, SentUpdate, UpdateStepDefinition } from './update-step.js';

const options = z.strictObject({
  bound: z.number().positive().default(1).describe('most norm of a whole update, over all of its tensors'),
  norm: z.enum(['l2', 'l1']).default('l2').describe('norm that is bounded: l2 for Gaussian noise, l1 for Laplace noise'),
});

/** ‖x‖ over all tensors of an update. */
export const lengthOf = ({ tensors }: Pick<SentUpdate, 'tensors'>, norm: Bound['norm']): number => {
  if (norm === 'l2') return normOf(tensors);
  let sum = 0;
  for (const values of tensors) for (const value of values) sum += Math.abs(value);
  return sum;
};

/**
 * Scaled to at most `most`. Rounding to float32 can lengthen a scaled vector by a part in ten million, which a bound must not allow.
 * So it is scaled by that much less.
 */
export const scaledTo = (update: Pick<SentUpdate, 'tensors'>, { norm, most }: Bound): readonly Float32Array[] => {
  const { tensors } = update;
  const length = lengthOf(update, norm);
  if (length <= most) return tensors;
  // The norm of numbers near the end of float32's range may be infinite: they are halved often enough first.
  if (!Number.isFinite(length)) {
    const halved = tensors.map((values) => values.map((value) => value * 2 ** -70));
    return scaledTo({ tensors: halved }, { norm, most });
  }
  const factor = (most / length) * (1 - 2 ** -22);
  return tensors.map((values) => values.map((value) => value * factor));
};

/**
 * x / max(1, ‖x‖ / S): the flat clipping of McMahan et al., "Learning differentially private recurrent language models", ICLR 2018, section 2.
 * An honest device bounds its own update. An attacker does not: see the aggregator norm-clip.
 */
export const clip: UpdateStepDefinition<z.infer<typeof options>> = {
  name: 'clip',
  version: '2',
  options,
  traits: { hides: [] },
  bound: ({ bound, norm }) => ({ norm, most: bound }),
  onDevice:
    ({ bound, norm }) =>
    (update) =>
      scaledTo(update, { norm, most: bound }),
};
