import type { HookWatch } from '../../definitions/hook-watch.js';
import { builtIn, type DefinitionSetup, type Kind, loadDefinition } from '../../definitions/kind.js';
import { activity } from './activity.js';
import { available } from './available.js';
import { guardSampler } from './guard-sampler.js';
import { oort } from './oort.js';
import { poisson } from './poisson.js';
import { roundRobin } from './round-robin.js';
import type { Sampler, SamplerContext, SamplerDefinition } from './sampler.js';
import { shuffled } from './shuffled.js';
import { uniform } from './uniform.js';

export const SAMPLER: Kind<SamplerDefinition> = {
  title: 'a sampler',
  key: 'sampling',
  builtIns: [shuffled, uniform, poisson, activity, roundRobin, available, oort],
  functions: ['create'],
  problem: ({ traits }) => {
    const found = (typeof traits === 'object' && traits !== null ? traits : {}) as Readonly<Record<string, unknown>>;
    const odd = ['heedsStages', 'everyDeviceOnce'].find((key) => typeof found[key] !== 'boolean');
    const { earns } = found;
    if (earns !== undefined && earns !== 'poisson' && earns !== 'fixed')
      return `traits.earns: expected poisson, fixed or nothing, found ${String(earns)}`;
    return odd === undefined ? undefined : `traits.${odd}: expected true or false, found ${String(found[odd])}`;
  },
};

/** A sampler whose devices are not known yet. */
export type MakeSampler = (context: SamplerContext) => Sampler;

/** A built-in sampler. Throws CONFIG for an unknown name. */
export const samplerNamed =
  ({ name, options }: DefinitionSetup): MakeSampler =>
  (context) =>
    builtIn(SAMPLER, name).create(options, context);

/** Any sampler, on the calling thread. What a user's module throws or chooses wrongly ends in one line of MODULE. */
export const loadSampler = async (setup: DefinitionSetup, watch?: HookWatch): Promise<MakeSampler> => {
  const definition = await loadDefinition(SAMPLER, setup);
  const { options, module } = setup;
  if (module === undefined) return (context) => definition.create(options, context);
  return (context) => guardSampler(definition, module.name, options, context, watch);
};
