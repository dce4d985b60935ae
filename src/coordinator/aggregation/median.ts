import { z } from 'zod';
import { middleOf } from '../../base/median.js';
import type { AggregatorDefinition } from './aggregator.js';
import { createCentres, rowClip } from './coordinates.js';

const options = z.strictObject({ rowClip });

/**
 * The coordinate-wise median (Yin et al., "Byzantine-robust distributed learning: towards optimal statistical rates", ICML 2018, definition 1
 * and algorithm 1, option I). For each coordinate k, it is med{x¹ₖ, …, xᵐₖ}. It stays within the honest values as long as fewer than half attack.
 * coordinates.ts says what it is for rows that not every update has.
 */
export const coordinateMedian: AggregatorDefinition<z.infer<typeof options>> = {
  name: 'median',
  version: '2',
  options,
  traits: { leaves: 'sum' },
  create: ({ rowClip }, context) => createCentres(context, rowClip, middleOf),
};
