import { z } from 'zod';
import { findScales, fromSteps, type Grid, LEVELS, roundToSteps } from '../messages/rounding.js';
import type { UpdateStepDefinition } from './update-step.js';

const options = z.strictObject({
  bits: z
    .union([z.literal(8), z.literal(4)])
    .default(8)
    .describe('bits that a number travels as: 8 or 4'),
  bucket: z.int().min(0).default(64).describe('numbers of a tensor that share a scale, which travels as 4 bytes; 0: all of a tensor'),
});

const dtypeOf = (bits: 8 | 4): 'int8' | 'int4' => (bits === 8 ? 'int8' : 'int4');

/**
 * Whole numbers of at most 127 or 7, times a scale for each bucket. By stochastic rounding, a number stays what it is on average.
 * Alistarh et al., "QSGD", NeurIPS 2017, section 3.1, with the largest number of a bucket in place of its norm.
 */
export const quantize: UpdateStepDefinition<z.infer<typeof options>> = {
  name: 'quantize',
  version: '1',
  options,
  traits: { hides: [] },
  encoding: ({ bits }) => ({ sparse: false, dtype: dtypeOf(bits) }),
  onDevice: ({ bits, bucket }) => {
    const levels = LEVELS[dtypeOf(bits)];
    return ({ tensors }, { source }) => {
      const grids = tensors.map((values): Grid => {
        const group = bucket === 0 ? Math.max(1, values.length) : bucket;
        const scales = new Float32Array(Math.ceil(values.length / group));
        findScales(values, group, levels, scales);
        return { group, scales };
      });
      const rounded = tensors.map((values, index) => {
        const { group, scales } = grids[index]!;
        const out = new Float32Array(values.length);
        fromSteps(roundToSteps(values, group, levels, scales, 0, source.uniform), grids[index]!, out);
        return out;
      });
      return { tensors: rounded, grids };
    };
  },
};
