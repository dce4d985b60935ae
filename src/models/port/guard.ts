import { createCalls, type HookCalls } from '../../definitions/hook-calls.js';
import type { Facts, Model, ModelDefinition } from './definition.js';
import type { Engine } from './engine.js';
import type { ModelTensor } from './tensors.js';

const isTensor = (value: unknown): value is ModelTensor =>
  typeof value === 'object' && value !== null && (value as ModelTensor).values instanceof Float32Array;

const checkModel = ({ expect }: HookCalls, model: Model, { traits }: ModelDefinition): void => {
  const hook = traits.training === 'closed' ? 'fit' : 'epoch';
  expect(typeof model === 'object' && model !== null, 'create', 'a model', () => String(model));
  for (const name of [hook, 'scores'] as const)
    expect(typeof model[name] === 'function', 'create', `a model with ${name}`, () => `${name}: ${typeof model[name]}`);
  const tensors: unknown = model.tensors;
  const right = Array.isArray(tensors) && tensors.length > 0 && tensors.every(isTensor);
  expect(right, 'create', 'tensors: a list of what engine.tensor returned', () => String(tensors));
};

const guarded = (calls: HookCalls, model: Model): Model => {
  const isLoss = (value: unknown): boolean => typeof value === 'number';
  return {
    tensors: model.tensors,
    ...(model.epoch && {
      epoch: async (epoch) => {
        const loss = await calls.wait('epoch', () => model.epoch!(epoch));
        calls.expect(isLoss(loss), 'epoch', 'the mean training loss, a number', () => String(loss));
        return loss;
      },
    }),
    ...(model.fit && {
      fit: async () => {
        const loss = await calls.wait('fit', () => model.fit!());
        calls.expect(loss === null || isLoss(loss), 'fit', 'the loss, a number or null', () => String(loss));
        return loss;
      },
    }),
    ...(model.prepare && { prepare: () => calls.wait('prepare', () => model.prepare!()) }),
    scores: (user, items, out) => calls.call('scores', () => model.scores(user, items, out)),
    ...(model.scoreAll && { scoreAll: (users, out) => calls.call('scores', () => model.scoreAll!(users, out)) }),
    close: () => model.close?.(),
  };
};

/** A user's model with every call checked: a mistake ends in one line of MODULE with module and hook. */
export const guardModel = (definition: ModelDefinition, module: string): ModelDefinition => ({
  ...definition,
  create: async (facts: Facts, options: unknown, engine: Engine) => {
    const calls = createCalls(module, facts.items, () => null, undefined);
    const model = await calls.wait('create', () => definition.create(facts, options, engine));
    checkModel(calls, model, definition);
    return guarded(calls, model);
  },
});
