import { z } from 'zod';
import { defineModel } from '../port/definition.js';

/** The number of an item's training ratings, the same for every user. */
export const popularity = defineModel({
  name: 'popularity',
  version: '1',
  title: 'popularity: how often an item was rated',
  paper: 'Cremonesi, Koren, Turrin: Performance of Recommender Algorithms on Top-N Recommendation Tasks. RecSys 2010 (TopPop)',
  options: z.strictObject({}),
  traits: { task: 'ranking', feedback: 'implicit', training: 'closed' },
  create: ({ items, train }, _options, engine) => {
    const counts = engine.tensor({ name: 'counts', shape: [items] });
    return {
      tensors: [counts],
      fit: () => {
        counts.values.fill(0);
        for (const item of train.items) counts.values[item]! += 1;
        return null;
      },
      scores: (_user, list, out) => {
        for (let r = 0; r < list.length; r++) out[r] = counts.values[list[r]!]!;
      },
    };
  },
});
