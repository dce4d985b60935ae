import type { IdNames, Names } from '../inference/ids.js';
import type { UserModel } from '../inference/model/recommender.js';
import { createRecommending, type Recommendation, ratingsIn, SEEN } from '../inference/recommend.js';
import type { StoredModel } from '../inference/stored-model.js';
import { type GivenRating, knownRatings } from '../inference/tables/tables.js';
import { type Cache, createCache } from './cache.js';
import { Refusal } from './refusal.js';

export const MOST_TOP = 1000;
export const MOST_REASONS = 10;
/** More than any user of MovieLens has. */
export const MOST_RATINGS = 10_000;

/** Recommendations that are kept with the predictions of a user. Requests for more are answered from the model. */
const KEPT = { top: 50, reasons: 3 } as const;

export type Sizes = { readonly top: number; readonly reasons: number };
export type Answer = { readonly user: string | null; readonly recommendations: readonly Recommendation[] };

/** What the server answers, without HTTP. Throws CONFIG or a Refusal for what a client got wrong. */
export type Service = {
  recommend(user: string, sizes: Sizes): Answer;
  /** To a user who is not in the data. */
  recommendTo(ratings: readonly GivenRating[], sizes: Sizes): Answer & { readonly unknown: number };
  predict(user: string, item: string): { readonly user: string; readonly item: string; readonly prediction: number };
  /**
   * Fills the cache with every user, if it has room for all. Several models are generated at once, which takes less time than one by one.
   * Each step blocks for a moment. Ends early when `isOver` holds.
   */
  warm(isOver: () => boolean): Promise<void>;
  cache(): { readonly hits: number; readonly misses: number; readonly bytes: number; readonly users: number };
};

type Kept = { readonly predictions: Float32Array; readonly best: readonly Recommendation[] };

/** Users of one step of `warm`. */
const STEP = 8;

/** A reason or recommendation takes about so much memory. */
const RECOMMENDATION_BYTES = 200;

/** The error names no other id: a client learns nothing about other users. */
const known = (names: IdNames, id: string, what: string): number => {
  const found = names.find(id);
  if (found === undefined) throw new Refusal(404, `${what}: expected an id of the data, found ${JSON.stringify(id.slice(0, 60))}`);
  return found;
};

export const createService = ({ dataset, recommender }: StoredModel, names: Names, cacheBytes: number): Service => {
  const recommending = createRecommending(dataset, names);
  const cache: Cache<Kept> = createCache(cacheBytes);
  let [hits, misses] = [0, 0];

  const ratedBy = (user: number) => ratingsIn(dataset, user, SEEN.all);

  const bytesOfUser = 4 * dataset.items + KEPT.top * (1 + KEPT.reasons) * RECOMMENDATION_BYTES;

  const keep = (user: number, model: UserModel): Kept => {
    const predictions = model.predict(recommending.items);
    const kept = { predictions, best: recommending.ranked(predictions, model, ratedBy(user), KEPT) };
    cache.put(user, kept, bytesOfUser);
    return kept;
  };

  const keptOf = (user: number): Kept => {
    const entry = cache.get(user);
    if (entry !== undefined) {
      hits += 1;
      return entry;
    }
    misses += 1;
    const [model] = recommender.models([user]);
    return keep(user, model!);
  };

  const shortened = (best: readonly Recommendation[], { top, reasons }: Sizes): readonly Recommendation[] =>
    best.slice(0, top).map((each) => ({ ...each, because: each.because.slice(0, reasons) }));

  return {
    recommend: (id, sizes) => {
      const user = known(names.users, id, 'user');
      if (sizes.top <= KEPT.top && sizes.reasons <= KEPT.reasons) return { user: id, recommendations: shortened(keptOf(user).best, sizes) };
      const [model] = recommender.models([user]);
      return { user: id, recommendations: recommending.best(model!, ratedBy(user), sizes) };
    },
    recommendTo: (given, sizes) => {
      const { ratings, unknown } = knownRatings(given, names.items, dataset.scale, 'ratings');
      return { user: null, unknown, recommendations: recommending.best(recommender.newUser(ratings), ratings, sizes) };
    },
    predict: (userId, itemId) => {
      const user = known(names.users, userId, 'user');
      const item = known(names.items, itemId, 'item');
      return { user: userId, item: itemId, prediction: keptOf(user).predictions[item]! };
    },
    warm: async (isOver) => {
      if (bytesOfUser * dataset.users > cacheBytes) return;
      for (let first = 0; first < dataset.users && !isOver(); first += STEP) {
        const users = Array.from({ length: Math.min(STEP, dataset.users - first) }, (_, at) => first + at);
        let at = 0;
        for (const model of recommender.models(users)) keep(users[at++]!, model);
        // Requests come first.
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    cache: () => ({ hits, misses, bytes: cache.bytes(), users: cache.size() }),
  };
};
