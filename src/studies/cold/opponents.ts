import { random } from '../../base/random.js';
import type { Dataset } from '../../data/dataset.js';
import { ease } from '../../models/linear/ease.js';
import { itemKnn } from '../../models/linear/item-knn.js';
import { popularity } from '../../models/linear/popularity.js';
import type { ModelDefinition } from '../../models/port/definition.js';
import { createEngine } from '../../models/port/engine.js';
import { contentScores, itemWords, ridgeOnWords } from './attributes.js';
import { type ColdMeasure, measureCold, type Scorer, warmRecords } from './protocol.js';

/** A system that every cold-start table prints, in one or more settings, of which validation chooses. */
type Opponent = { readonly name: string; readonly variants: () => Promise<readonly Variant[]> };
type Variant = { readonly options: string; readonly scorer: Scorer };

export type OpponentRow = {
  readonly name: string;
  /** The options with the best recall@10 on the users of validation. */
  readonly options: string;
  readonly test: ColdMeasure;
};

const LAMBDAS = [1, 3, 10, 30, 100] as const;
const SHARES = [0.3, 1, 3, 10] as const;

/** The values of a closed form's tensor, learned from warm users alone. */
const fitted = async (definition: ModelDefinition, dataset: Dataset, seed: number, options: object): Promise<Float32Array> => {
  const { items, scale } = dataset;
  const train = warmRecords(dataset);
  const engine = createEngine({ seed, threads: 1, epochs: 1, items, train });
  const facts = { users: train.offsets.length - 1, items, lowest: scale.lowest, highest: scale.highest, mean: 1, train };
  const model = await definition.create(facts, definition.options.parse(options), engine);
  await model.fit!();
  return model.tensors[0]!.values;
};

/** Scores of a linear model: the sum of the rows of B (n, n) of the support set. */
const linear =
  (B: Float32Array, n: number): Scorer =>
  (_user, support, candidates, out) => {
    candidates.forEach((item, i) => {
      for (const known of support) out[i]! += B[known * n + item]!;
    });
  };

const fixed =
  (scores: ArrayLike<number>): Scorer =>
  (_user, _support, candidates, out) =>
    candidates.forEach((item, i) => {
      out[i] = scores[item]!;
    });

const byAttributes = (dataset: Dataset): readonly Opponent[] => {
  const words = itemWords(dataset);
  if (words === undefined) return [];
  const counts = new Float64Array(dataset.items);
  for (const item of warmRecords(dataset).items) counts[item]! += 1;
  const warm = Uint32Array.from(counts.keys()).filter((item) => counts[item]! > 0);
  const logs = counts.map(Math.log1p);
  const content = contentScores(words);
  const predictions = new Map<number, Float64Array>();
  const predicted = (lambda: number): Float64Array => {
    const known = predictions.get(lambda) ?? ridgeOnWords(words, warm, logs, lambda);
    predictions.set(lambda, known);
    return known;
  };
  const mixed =
    (scores: Float64Array, share: number): Scorer =>
    (_user, support, candidates, out) => {
      content(support, candidates, out);
      candidates.forEach((item, i) => {
        out[i] = scores[item]! + share * out[i]!;
      });
    };
  return [
    {
      name: 'attribute popularity',
      variants: async () => LAMBDAS.map((lambda) => ({ options: `lambda ${lambda}`, scorer: fixed(predicted(lambda)) })),
    },
    {
      name: 'content kNN',
      variants: async () => [{ options: 'tf-idf', scorer: (_user, support, candidates, out) => content(support, candidates, out) }],
    },
    {
      name: 'attribute popularity + content kNN',
      variants: async () =>
        LAMBDAS.flatMap((lambda) =>
          SHARES.map((share) => ({ options: `lambda ${lambda}, content x ${share}`, scorer: mixed(predicted(lambda), share) })),
        ),
    },
  ];
};

/** Those that need no attributes of items come first. Attribute systems are absent where items have no attributes. */
const opponentsOf = (dataset: Dataset, seed: number): readonly Opponent[] => {
  const { items } = dataset;
  const closed = (definition: ModelDefinition, options: object) => fitted(definition, dataset, seed, options);
  return [
    {
      name: 'random',
      variants: async () => [
        {
          options: `seed ${seed}`,
          scorer: (user, _support, _candidates, out) => {
            const source = random(seed, 'random scores', user);
            for (let i = 0; i < out.length; i++) out[i] = source.uniform();
          },
        },
      ],
    },
    { name: 'popularity', variants: async () => [{ options: '', scorer: fixed(await closed(popularity, {})) }] },
    ...byAttributes(dataset),
    { name: 'item-kNN', variants: async () => [{ options: 'k 100, shrink 10', scorer: linear(await closed(itemKnn, {}), items) }] },
    { name: 'EASE', variants: async () => [{ options: 'lambda 300', scorer: linear(await closed(ease, { lambda: 300 }), items) }] },
  ];
};

const recallOf = ({ metrics }: ColdMeasure): number => metrics['recall@10']?.mean ?? Number.NEGATIVE_INFINITY;

/** Measures every opponent on the test users. Where an opponent has settings, the users of validation choose. */
export const measureOpponents = async (dataset: Dataset, seed: number): Promise<readonly OpponentRow[]> => {
  const rows: OpponentRow[] = [];
  for (const { name, variants } of opponentsOf(dataset, seed)) {
    const all = await variants();
    let best = { variant: all[0]!, recall: Number.NEGATIVE_INFINITY };
    if (all.length > 1) {
      for (const variant of all) {
        const recall = recallOf(measureCold(dataset, 'valid', variant.scorer));
        if (recall > best.recall) best = { variant, recall };
      }
    }
    rows.push({ name, options: best.variant.options, test: measureCold(dataset, 'test', best.variant.scorer) });
  }
  return rows;
};
