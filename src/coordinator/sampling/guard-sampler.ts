import { createCalls } from '../../definitions/hook-calls.js';
import type { HookWatch } from '../../definitions/hook-watch.js';
import type { Sampler, SamplerContext, SamplerDefinition, Selection } from './sampler.js';

/** What is wrong with a cohort, as "expected, found"; undefined where nothing is. */
const faultOf = (
  chosen: unknown,
  { size, busy, devices }: Selection,
  fleet: number,
  anySize: boolean,
): readonly [string, string] | undefined => {
  if (!Array.isArray(chosen)) return ['a list of devices', typeof chosen];
  if (chosen.length > size && !anySize) return [`at most ${size} devices`, String(chosen.length)];
  const end = devices ?? fleet;
  for (const [at, device] of chosen.entries()) {
    if (!Number.isSafeInteger(device) || device < 0 || device >= end) return [`devices from 0 to ${end - 1}`, String(device)];
    if (busy.has(device)) return ['devices that are not still at work', String(device)];
    if (at > 0 && device === chosen[at - 1]) return ['each device once', `${device} twice`];
    if (at > 0 && device < chosen[at - 1]) return ['devices in ascending order', `${device} after ${chosen[at - 1]}`];
  }
  return undefined;
};

/** A sampler of a user's module: what it throws or chooses wrongly ends in one line of MODULE. */
export const guardSampler = (
  definition: SamplerDefinition,
  module: string,
  options: unknown,
  context: SamplerContext,
  watch?: HookWatch,
): Sampler => {
  const calls = createCalls(module, 0, () => null, watch);
  const sampler = calls.call('create', () => definition.create(options, { ...context, activity: Uint32Array.from(context.activity) }));
  for (const hook of ['choose', 'learn', 'state', 'restore'] as const)
    calls.expect(typeof sampler?.[hook] === 'function', 'create', `${hook}: a function`, () => typeof sampler?.[hook]);
  return {
    choose: (selection) => {
      const chosen = calls.call('choose', () => sampler.choose({ ...selection, busy: new Set(selection.busy) }));
      const fault = faultOf(chosen, selection, context.devices, definition.traits.anySize === true);
      if (fault !== undefined) calls.expect(false, 'choose', fault[0], () => fault[1]);
      return chosen;
    },
    learn: (round, asked, arrived) => calls.call('learn', () => sampler.learn(round, asked, arrived)),
    state: () => calls.call('state', () => structuredClone(sampler.state())),
    restore: (saved) => calls.call('restore', () => sampler.restore(saved)),
  };
};
