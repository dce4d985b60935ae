import { z } from 'zod';
import type { AggregatorDefinition } from './aggregator.js';

/** The mean weighted by records (McMahan et al., AISTATS 2017), or the algorithm's own use of each update. */
export const mean: AggregatorDefinition = {
  name: 'mean',
  version: '1',
  options: z.strictObject({}),
  traits: { leaves: 'updates' },
  create: () => ({ combine: (updates) => ({ kind: 'updates', updates }) }),
};
