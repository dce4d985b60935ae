import type { Names } from './ids.js';
import type { Recommender } from './model/recommender.js';
import type { Pair } from './tables/tables.js';

/** `prediction` is null for a user or an item that the data do not have. */
export type PairPrediction = Pair & { readonly prediction: number | null };

export type Unknown = { readonly users: number; readonly items: number };

/** Pairs whose users' models are taken together. */
const BATCH = 1 << 16;

/** Predictions of a batch, in its order. Each user's model is taken once. */
const predictBatch = (pairs: readonly Pair[], names: Names, recommender: Recommender): PairPrediction[] => {
  const places = new Map<number, number[]>();
  const out: PairPrediction[] = pairs.map((pair, at) => {
    const user = names.users.find(pair.user);
    if (user !== undefined && names.items.find(pair.item) !== undefined) {
      const own = places.get(user);
      if (own === undefined) places.set(user, [at]);
      else own.push(at);
    }
    return { ...pair, prediction: null };
  });
  const users = [...places.keys()].sort((a, b) => a - b);
  let next = 0;
  for (const model of recommender.models(users)) {
    const own = places.get(users[next++]!)!;
    const predictions = model.predict(Uint32Array.from(own, (at) => names.items.find(pairs[at]!.item)!));
    own.forEach((at, index) => {
      const prediction = predictions[index]!;
      out[at] = { ...pairs[at]!, prediction: Number.isFinite(prediction) ? prediction : null };
    });
  }
  return out;
};

/** Predictions of pairs, in their order, batch by batch. `count` is called with the ids of each batch that the data do not have. */
export const predictPairs = async function* (
  pairs: AsyncIterable<Pair>,
  names: Names,
  recommender: Recommender,
  count: (unknown: Unknown) => void,
  batch = BATCH,
): AsyncGenerator<PairPrediction> {
  let held: Pair[] = [];
  const flush = (): readonly PairPrediction[] => {
    const some = held;
    held = [];
    const absent = (find: (pair: Pair) => number | undefined): number => some.filter((pair) => find(pair) === undefined).length;
    count({ users: absent(({ user }) => names.users.find(user)), items: absent(({ item }) => names.items.find(item)) });
    return predictBatch(some, names, recommender);
  };
  for await (const pair of pairs) {
    held.push(pair);
    if (held.length === batch) yield* flush();
  }
  if (held.length > 0) yield* flush();
};
