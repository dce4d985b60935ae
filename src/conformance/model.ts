import { describe, expect, it } from 'vitest';
import { bytesOf } from '../base/views.js';
import { definitionProblem } from '../definitions/kind.js';
import type { Model, ModelDefinition } from '../models/port/definition.js';
import { createEngine } from '../models/port/engine.js';
import { createEpochs } from '../models/port/epoch.js';
import { guardModel } from '../models/port/guard.js';
import { MODEL } from '../models/registry.js';
import { smallFacts } from './small-ratings.js';

export type ModelConformanceOptions = {
  /** Options of the definition, over its defaults. */
  readonly options?: Readonly<Record<string, unknown>>;
};

const FACTS = smallFacts();
const EPOCHS = 4;

const allOf = ({ tensors }: Model): number[][] =>
  tensors.flatMap(({ values, state }) => [values, ...state.map((kept) => kept.values)]).map((values) => [...bytesOf(values)]);

/**
 * The promises of the port of central models (models/port/definition.ts), as Vitest tests: `import { modelConformance } from 'metafleet/testing'`.
 */
export const modelConformance = (definition: ModelDefinition, { options = {} }: ModelConformanceOptions = {}): void => {
  const create = async (seed = 1): Promise<Model> => {
    const { train, items } = FACTS;
    const engine = createEngine({ seed, threads: 1, epochs: EPOCHS, items, train });
    return guardModel(definition, definition.name).create(FACTS, definition.options.parse(options), engine);
  };
  const train = async (model: Model, from: number, to: number, seed = 1): Promise<(number | null)[]> => {
    const epochs = createEpochs(seed, FACTS.train);
    const losses: (number | null)[] = [];
    for (let number = from; number <= to; number++)
      losses.push(definition.traits.training === 'closed' ? await model.fit!() : await model.epoch!(epochs(number)));
    return losses;
  };
  const everyItem = Uint32Array.from({ length: FACTS.items }, (_, item) => item);
  const scoresOf = (model: Model, user: number, items: Uint32Array = everyItem): Float32Array => {
    const out = new Float32Array(items.length).fill(Number.NaN);
    model.scores(user, items, out);
    return out;
  };

  describe(`central model ${definition.name}`, () => {
    it('is a definition: name, version, title, paper, described options with defaults, traits', () => {
      expect(definitionProblem(MODEL, definition as unknown)).toBeUndefined();
    });

    it('has the same bits for the same seed', async () => {
      const [one, other] = [await create(), await create()];
      expect(await train(one, 1, EPOCHS)).toEqual(await train(other, 1, EPOCHS));
      expect(allOf(one)).toEqual(allOf(other));
    });

    it('goes on from its tensors alone to the same bits', async () => {
      const [whole, first, second] = [await create(), await create(), await create()];
      await train(whole, 1, EPOCHS);
      await train(first, 1, 2);
      first.tensors.forEach((tensor, at) => {
        second.tensors[at]!.values.set(tensor.values);
        tensor.state.forEach((kept, index) => second.tensors[at]!.state[index]!.values.set(kept.values));
      });
      await train(second, 3, EPOCHS);
      expect(allOf(second)).toEqual(allOf(whole));
    });

    it('scores every user and item with a number, whether alone or among others', async () => {
      const model = await create();
      await train(model, 1, EPOCHS);
      await model.prepare?.();
      for (let user = 0; user < FACTS.users; user++) {
        const all = scoresOf(model, user);
        expect(all.every(Number.isFinite)).toBe(true);
        const few = scoresOf(model, user, Uint32Array.of(7, 2));
        expect(few[0]).toBeCloseTo(all[7]!, 4);
        expect(few[1]).toBeCloseTo(all[2]!, 4);
      }
    });

    it('scores all items of several users as it scores them one by one', async () => {
      const model = await create();
      await train(model, 1, EPOCHS);
      await model.prepare?.();
      if (model.scoreAll === undefined) return;
      const users = Uint32Array.of(3, 0, FACTS.users - 1);
      const out = new Float32Array(users.length * FACTS.items);
      model.scoreAll(users, out);
      users.forEach((user, row) =>
        scoresOf(model, user).forEach((score, item) => expect(out[row * FACTS.items + item]).toBeCloseTo(score, 4)),
      );
    });

    it('does not change by being asked for scores', async () => {
      const model = await create();
      await train(model, 1, 1);
      const before = allOf(model);
      await model.prepare?.();
      scoresOf(model, 1);
      expect(allOf(model)).toEqual(before);
    });
  });
};
