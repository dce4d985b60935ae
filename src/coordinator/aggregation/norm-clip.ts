import { z } from 'zod';
import type { ClientUpdate } from '../../algorithms/port/server.js';
import { median } from '../../base/median.js';
import type { AggregatorDefinition } from './aggregator.js';

const options = z.strictObject({
  multiple: z.number().min(0).default(1).describe("clip to this multiple of the median norm of the round's updates; 0: not by the median"),
  bound: z.number().min(0).default(0).describe('clip to this norm; 0: no fixed bound'),
});

/** ‖x‖₂ over all tensors of an update. */
const normOf = ({ tensors }: ClientUpdate): number => {
  let squares = 0;
  for (const values of tensors) for (const value of values) squares += value * value;
  return Math.sqrt(squares);
};

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
      const norms = updates.map(normOf);
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
