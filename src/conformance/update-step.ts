import { describe, expect, it } from 'vitest';
import { random } from '../base/random.js';
import { definitionProblem } from '../definitions/kind.js';
import { bindUpdateStep, UPDATE_STEP } from '../updates/registry.js';
import type { UpdateStepDefinition } from '../updates/update-step.js';
import { SMALL_ITEMS, SMALL_UP, smallUpdates } from './small-updates.js';

export type UpdateStepConformanceOptions = {
  /** Options of the definition, over its defaults. */
  readonly options?: Readonly<Record<string, unknown>>;
};

/**
 * The promises of the port of update steps (updates/update-step.ts), as Vitest tests: `import { updateStepConformance } from
 * 'metafleet/testing'`.
 */
export const updateStepConformance = (definition: UpdateStepDefinition, { options = {} }: UpdateStepConformanceOptions = {}): void => {
  const wire = { up: SMALL_UP, items: SMALL_ITEMS };
  const chosen = (): unknown => definition.options.parse(options);
  const apply = (step = definition.onDevice(chosen(), wire), seed = 1) =>
    smallUpdates(6, 1).map((update, at) => structuredClone(step(update, { source: random(seed, 'updates', at) })));

  describe(`update step ${definition.name}`, () => {
    it('is a definition: name, version, described options with defaults, traits', () => {
      expect(definitionProblem(UPDATE_STEP, definition as unknown)).toBeUndefined();
    });

    it('returns finite tensors of the shapes it was given', () => {
      const step = bindUpdateStep(definition, definition.name, chosen(), wire);
      for (const [at, update] of smallUpdates(6, 1).entries()) {
        const tensors = step.apply(update, random(1, 'updates', at), update.device);
        expect(tensors.map(({ length }) => length)).toEqual(update.tensors.map(({ length }) => length));
      }
    });

    it('is a pure function of the update and the stream: the same in any thread, and when a round is run again', () => {
      const step = definition.onDevice(chosen(), wire);
      const first = apply(step);
      expect(apply(step)).toEqual(first);
      expect(apply()).toEqual(first);
    });

    it('leaves the update that it is given as it is', () => {
      const step = definition.onDevice(chosen(), wire);
      for (const [at, update] of smallUpdates(6, 1).entries()) {
        const before = structuredClone(update);
        step(update, { source: random(1, 'updates', at) });
        expect(update).toEqual(before);
      }
    });
  });
};
