import { expect, it } from 'vitest';
import { smallFacts } from '../../../src/conformance/small-ratings.js';
import { nmf } from '../../../src/models/factors/nmf.js';
import { createEngine } from '../../../src/models/port/engine.js';
import { createEpochs } from '../../../src/models/port/epoch.js';

it('multiplicative updates never raise the error, and keep every factor above zero or at it', async () => {
  const facts = smallFacts();
  const { items, train } = facts;
  const engine = createEngine({ seed: 1, threads: 1, epochs: 30, items, train });
  const model = await nmf.create(facts, { factors: 5, decay: 0 }, engine);
  const epochs = createEpochs(1, train);
  const losses: number[] = [];
  for (let number = 1; number <= 30; number++) losses.push(await model.epoch!(epochs(number)));
  losses.slice(1).forEach((loss, at) => expect(loss).toBeLessThanOrEqual(losses[at]! + 1e-6));
  expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
  for (const { values } of model.tensors) expect(values.every((value) => value >= 0)).toBe(true);
});
