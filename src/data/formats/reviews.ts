import { type Layout, textLines } from './layout.js';
import { rolesOf } from './names.js';
import { idOf, ratingOf, shown } from './reading.js';
import { secondsOf } from './time.js';

/** SNAP's reviews (Amazon, BeerAdvocate, RateBeer, wine): `review/score: 5.0` a line, blank lines between. */
const FIELD = /^([a-z]+\/[A-Za-z_]+): ?(.*)$/;

/** `review/overall: 4/5` of RateBeer has what the rating is out of behind it. */
const scoreOf = (text: string | undefined): number => ratingOf(text?.replace(/\/\d+$/, ''));

/** Undefined unless the lines are such reviews. */
export const reviews = (lines: readonly string[]): Layout | undefined => {
  const keys = lines.flatMap((line) => FIELD.exec(line)?.[1] ?? []);
  if (!FIELD.test(lines[0]!) || keys.length < 3) return undefined;
  const names = [...new Set(keys)];
  const short = names.map((name) => name.replace(/^.*\//, ''));
  const roles = rolesOf(short);
  const { time } = roles;
  const user = roles.user;
  const item = short.indexOf('beerId') >= 0 ? short.indexOf('beerId') : roles.item;
  if (user < 0 || item < 0 || roles.rating < 0) return undefined;
  const [userKey, itemKey, ratingKey, timeKey] = [names[user]!, names[item]!, names[roles.rating]!, names[time]];
  return {
    recognised: {
      layout: 'reviews',
      title: 'SNAP reviews: one field a line, blank lines between',
      feedback: 'explicit',
      columns: { user: userKey, item: itemKey, rating: ratingKey, ...(timeKey !== undefined && { time: timeKey }) },
      unrated: [],
      notes: [],
    },
    read: async ({ lines: each, emit, fail }) => {
      let review = new Map<string, string>();
      let from = 0;
      const end = (): void => {
        if (review.size === 0) return;
        const score = scoreOf(review.get(ratingKey));
        if (Number.isNaN(score)) throw fail(from, 'a numeric rating', shown(review.get(ratingKey)));
        const time = timeKey === undefined ? Number.NaN : secondsOf(review.get(timeKey) ?? '');
        emit(idOf(review.get(userKey)) ?? '', idOf(review.get(itemKey)) ?? '', score, from, time);
        review = new Map();
      };
      await each(
        textLines(fail, (text, line) => {
          if (text.trim() === '') return end();
          const [, key, value] = FIELD.exec(text) ?? [];
          // A text that goes on in the next line has no key of its own.
          if (key === undefined) return;
          if (review.size === 0) from = line;
          review.set(key, value!);
        }),
      );
      end();
    },
  };
};
