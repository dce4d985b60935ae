import type { HookWatch } from '../../definitions/hook-watch.js';
import { type DefinitionSetup, type Kind, loadDefinition } from '../../definitions/kind.js';
import type { Aggregator, AggregatorContext, AggregatorDefinition } from './aggregator.js';
import { guardAggregator } from './guard-aggregator.js';
import { krum, multiKrum } from './krum.js';
import { mean } from './mean.js';
import { coordinateMedian } from './median.js';
import { normClip } from './norm-clip.js';
import { trimmedMean } from './trimmed-mean.js';

export const AGGREGATOR: Kind<AggregatorDefinition> = {
  title: 'an aggregator',
  key: 'aggregation',
  builtIns: [mean, coordinateMedian, trimmedMean, krum, multiKrum, normClip],
  functions: ['create'],
  problem: ({ traits }) => {
    const leaves = (traits as Partial<AggregatorDefinition['traits']> | undefined)?.leaves;
    return leaves === 'updates' || leaves === 'sum' ? undefined : `traits.leaves: expected updates or sum, found ${String(leaves)}`;
  },
};

/** Any aggregator, on the calling thread. What a user's module throws or leaves wrongly ends in one line of MODULE. */
export const loadAggregator = async (setup: DefinitionSetup, context: AggregatorContext, watch?: HookWatch): Promise<Aggregator> => {
  const definition = await loadDefinition(AGGREGATOR, setup);
  if (setup.module === undefined) return definition.create(setup.options, context);
  return guardAggregator(definition, setup.module.name, setup.options, context, watch);
};
