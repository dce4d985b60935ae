import { z } from 'zod';
import { defineModel, type Facts, type Model } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import { countPairs } from './gram.js';
import { linearScores } from './linear-scores.js';

const OPTIONS = z.strictObject({
  neighbours: z.int().min(1).default(100).describe('most similar items that an item is scored by'),
  shrink: z.number().min(0).default(10).describe('added to the denominator of a similarity: few common users count less'),
});
type Options = z.infer<typeof OPTIONS>;

/** Items with the k largest similarities to `item`, of those above zero. Ties go to the lower item. */
const nearest = (similarity: Float64Array, item: number, k: number): readonly number[] => {
  const known: number[] = [];
  similarity.forEach((value, other) => {
    if (value > 0 && other !== item) known.push(other);
  });
  return known.sort((a, b) => similarity[b]! - similarity[a]! || a - b).slice(0, k);
};

const create = (facts: Facts, { neighbours, shrink }: Options, engine: Engine): Model => {
  const { items: n } = facts;
  const weights = engine.tensor({ name: 'weights', shape: [n, n] });
  const B = weights.values;
  return {
    tensors: [weights],
    fit: () => {
      const pairs = new Float32Array(n * n);
      countPairs(facts, engine, pairs);
      B.fill(0);
      const similarity = new Float64Array(n);
      for (let item = 0; item < n; item++) {
        const own = pairs[item * n + item]!;
        for (let other = 0; other < n; other++) {
          const both = pairs[item * n + other]!;
          similarity[other] = both === 0 ? 0 : both / (Math.sqrt(own * pairs[other * n + other]!) + shrink);
        }
        for (const other of nearest(similarity, item, neighbours)) B[other * n + item] = similarity[other]!;
      }
      return null;
    },
    ...linearScores(facts, weights, engine),
  };
};

/** s_ui = Σ over the user's items j among the k nearest of i of cos(i, j), with a shrunk denominator. */
export const itemKnn = defineModel({
  name: 'item-knn',
  version: '1',
  title: 'item neighbours: the sum of cosines between an item and those that the user has',
  paper: 'Sarwar, Karypis, Konstan, Riedl: Item-based Collaborative Filtering Recommendation Algorithms. WWW 2001',
  options: OPTIONS,
  traits: { task: 'ranking', feedback: 'implicit', training: 'closed' },
  create,
});
