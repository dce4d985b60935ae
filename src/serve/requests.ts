import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { badInput, messageOf } from '../base/errors.js';
import type { GivenRating } from '../inference/tables/tables.js';
import { Refusal } from './refusal.js';
import { MOST_RATINGS, MOST_REASONS, MOST_TOP, type Sizes } from './service.js';

const DEFAULTS: Sizes = { top: 10, reasons: 3 };

const sizeIn = (query: URLSearchParams, name: keyof Sizes, least: number, most: number): number => {
  const text = query.get(name);
  if (text === null) return DEFAULTS[name];
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw badInput('CONFIG', `?${name}=`, `a whole number from ${least} to ${most}`, JSON.stringify(text.slice(0, 40)));
};

export const sizesIn = (query: URLSearchParams): Sizes => ({
  top: sizeIn(query, 'top', 1, MOST_TOP),
  reasons: sizeIn(query, 'reasons', 0, MOST_REASONS),
});

const id = z.union([z.string().max(1000), z.number()]).transform(String);
const rating = z.object({ item: id, rating: z.number() });
const body = z.strictObject({
  /** A list of item and rating, or ratings by item. */
  ratings: z.union([
    z.array(rating).max(MOST_RATINGS),
    z.record(z.string(), z.number()).transform((byItem) => Object.entries(byItem).map(([item, value]) => ({ item, rating: value }))),
  ]),
  top: z.int().min(1).max(MOST_TOP).default(DEFAULTS.top),
  reasons: z.int().min(0).max(MOST_REASONS).default(DEFAULTS.reasons),
});

export type RecommendBody = Sizes & { readonly ratings: readonly GivenRating[] };

export const parseBody = (text: string): RecommendBody => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badInput('CONFIG', 'body', 'JSON', messageOf(error).split('\n', 1)[0]!);
  }
  const parsed = body.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw badInput('CONFIG', ['body', ...path].join('.'), '{"ratings": [{"item": …, "rating": …}], "top": 10, "reasons": 3}', message);
  }
  if (parsed.data.ratings.length > MOST_RATINGS)
    throw badInput('CONFIG', 'body.ratings', `at most ${MOST_RATINGS} ratings`, String(parsed.data.ratings.length));
  return parsed.data;
};

/** Bytes of a body: room for MOST_RATINGS of them. */
const MOST_BODY = 1 << 20;

/** The body of a request, which ends early when it is too large. Rejects with a Refusal. */
export const readBody = async (request: IncomingMessage): Promise<string> => {
  const { headers } = request;
  // Other types can be sent by any page that the user opens. This one makes its browser ask first, and the answer is no.
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) throw new Refusal(415, 'unsupported: send application/json');
  const tooLarge = new Refusal(413, `too large: at most ${MOST_BODY} bytes`);
  if (Number(headers['content-length'] ?? 0) > MOST_BODY) throw tooLarge;
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > MOST_BODY) throw tooLarge;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
};
