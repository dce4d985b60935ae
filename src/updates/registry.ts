import { type Random, random } from '../base/random.js';
import { createCalls } from '../definitions/hook-calls.js';
import type { HookWatch } from '../definitions/hook-watch.js';
import { type DefinitionSetup, type Kind, loadDefinition } from '../definitions/kind.js';
import { elements } from '../messages/wire-tensor.js';
import { clip } from './clip.js';
import { noise } from './noise.js';
import type { DeviceStep, SentUpdate, UpdateStepDefinition, UpdateWire } from './update-step.js';

const HIDDEN: readonly unknown[] = ['norms', 'rows'];

export const UPDATE_STEP: Kind<UpdateStepDefinition> = {
  title: 'an update step',
  key: 'updates',
  builtIns: [clip, noise],
  functions: ['onDevice'],
  problem: ({ traits }) => {
    const { hides, requires } = (traits ?? {}) as Partial<UpdateStepDefinition['traits']>;
    if (!Array.isArray(hides) || hides.some((what) => !HIDDEN.includes(what))) return 'traits.hides: expected a list of norms and rows';
    return requires === undefined || requires === 'sum' ? undefined : `traits.requires: expected sum or nothing, found ${String(requires)}`;
  },
};

/** A step with its options, for one algorithm's updates. */
export type BoundStep = { readonly name: string; apply(update: SentUpdate, source: Random, device: number): readonly Float32Array[] };

const typeName = (value: unknown): string => (value instanceof Float32Array ? `${value.length} numbers` : typeof value);

/** A step of a user's module works on copies; what it throws or returns wrongly ends in one line of MODULE. */
export const bindUpdateStep = (
  definition: UpdateStepDefinition,
  module: string,
  options: unknown,
  wire: UpdateWire,
  watch?: HookWatch,
): BoundStep => {
  let current: number | null = null;
  const calls = createCalls(module, wire.items, () => current, watch);
  const step = calls.call('onDevice', () => definition.onDevice(options, wire));
  calls.expect(typeof step === 'function', 'onDevice', 'a function (update, { source }) => tensors', () => typeof step);
  const { name } = definition;
  return {
    name,
    apply: ({ count, rows, tensors }, source, device) => {
      current = device;
      const copy = { count, rows: rows.slice(), tensors: tensors.map((values) => values.slice()) };
      const found: unknown = calls.call('onDevice', () => step(copy, { source }));
      calls.expect(Array.isArray(found) && found.length === wire.up.length, 'onDevice', `a list of ${wire.up.length} tensors`, () =>
        Array.isArray(found) ? `${found.length}` : typeof found,
      );
      wire.up.forEach(({ name: tensor, perRow, shape }, index) => {
        const values = (found as readonly unknown[])[index];
        const wanted = elements(shape) * (perRow ? rows.length : 1);
        const isRight = values instanceof Float32Array && values.length === wanted;
        calls.expect(isRight, 'onDevice', `tensor ${tensor}: ${wanted} float32`, () => typeName(values));
        const odd = (values as Float32Array).find((value) => !Number.isFinite(value));
        calls.expect(odd === undefined, 'onDevice', `tensor ${tensor}: finite numbers`, () => String(odd));
      });
      return found as readonly Float32Array[];
    },
  };
};

const bound = ({ name }: UpdateStepDefinition, step: DeviceStep): BoundStep => ({
  name,
  apply: (update, source) => step(update, { source }),
});

/** The steps of a run, in order, on the calling thread. */
export const loadUpdateSteps = (setups: readonly DefinitionSetup[], wire: UpdateWire, watch?: HookWatch): Promise<readonly BoundStep[]> =>
  Promise.all(
    setups.map(async (setup) => {
      const definition = await loadDefinition(UPDATE_STEP, setup);
      const { options, module } = setup;
      return module === undefined
        ? bound(definition, definition.onDevice(options, wire))
        : bindUpdateStep(definition, module.name, options, wire, watch);
    }),
  );

/** An update after all steps. What a step draws is keyed by its name: it does not depend on the steps before it. */
export const applySteps = <U extends SentUpdate>(
  steps: readonly BoundStep[],
  update: U,
  key: { readonly seed: number; readonly round: number; readonly device: number },
): U => {
  let current = update;
  for (const step of steps) {
    const source = random(key.seed, 'updates', step.name, key.round, key.device);
    current = { ...current, tensors: step.apply(current, source, key.device) };
  }
  return current;
};
