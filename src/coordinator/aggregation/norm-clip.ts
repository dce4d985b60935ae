import { z } from 'zod';
import { median } from '../../base/median.js';
import { normOf } from '../../base/norm.js';
import type { AggregatorDefinition } from './aggregator.js';

const options = z.strictObject({
  multiple: z.number().min(0).default(1).describe("clip to this multiple of the median norm of the round's updates; 0: not by the median"),
  bound: z.number().min(0).default(0).describe('clip to this norm; 0: no fixed bound'),
});

/**
 * Norm clipping (Sun et al., "Can you really backdoor federated learning?", 2019, section 3): xᵢ / max(1, ‖xᵢ‖₂ / M). M is `bound`, or
 * `multiple` times the round's median norm, whichever is less: the median needs no tuning and stands while fewer than half attack.
 * An attacker is not left out, but weighs no more than others. Norms are of the tensors as they are sent.
 */
export const normClip: AggregatorDefinition<z.infer<typeof options>> = {
  name: 'norm-clip',
  version: '1',
  options,
  traits: { leaves: 'updates' },
  create: ({ multiple, bound }) => ({
    combine: (updates) => {
      const norms = updates.map(({ tensors }) => normOf(tensors));
      const most = Math.min(
        bound > 0 ? bound : Number.POSITIVE_INFINITY,
        multiple > 0 ? multiple * median(norms) : Number.POSITIVE_INFINITY,
      );
      const clipped = updates.map((update, index) => {
        if (norms[index]! <= most) return update;
        const factor = most / norms[index]!;
        return { ...update, tensors: update.tensors.map((values) => values.map((value) => factor * value)) };
      });
      return { kind: 'updates', updates: clipped };
    },
  }),
};
