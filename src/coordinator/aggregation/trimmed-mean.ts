import { z } from 'zod';
import type { AggregatorDefinition } from './aggregator.js';
import { createCentres, rowClip } from './coordinates.js';
import { countOfShare } from './share.js';

const options = z.strictObject({
  share: z.number().min(0).lt(0.5).default(0.2).describe('share of the values of a coordinate left out at each end, rounded up'),
  rowClip,
});

/**
 * The coordinate-wise trimmed mean (Yin et al., ICML 2018, definition 2 and algorithm 1, option II). Of the m values of a coordinate,
 * ⌈βm⌉ at each end are left out, and the rest is averaged. At least one value or two are left. It stays within the honest values as long as
 * at most a share β of the values is an attacker's. The file coordinates.ts says what it is for rows that not every update has.
 */
export const trimmedMean: AggregatorDefinition<z.infer<typeof options>> = {
  name: 'trimmed-mean',
  version: '2',
  options,
  traits: { leaves: 'sum' },
  create: ({ share, rowClip }, context) =>
    createCentres(context, rowClip, (sorted) => {
      const cut = Math.min(countOfShare(share, sorted.length), (sorted.length - 1) >> 1);
      let sum = 0;
      for (let at = cut; at < sorted.length - cut; at++) sum += sorted[at]!;
      return sum / (sorted.length - 2 * cut);
    }),
};
