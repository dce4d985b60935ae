import type { Interactions } from '../../algorithms/port/client.js';
import { badInput } from '../../base/errors.js';
import type { IdNames } from '../ids.js';
import { COLUMN, columnsIn, readTable, type TableLine } from './delimited.js';

/** Rows of a table as the columns that a header names, or without one as the first columns. */
const rowsOf = async function* (path: string, patterns: readonly RegExp[]): AsyncGenerator<TableLine> {
  let places: readonly number[] | undefined;
  for await (const { line, fields } of readTable(path, patterns.length)) {
    if (places === undefined) {
      places = columnsIn(fields, patterns);
      if (places !== undefined) continue;
      places = patterns.map((_, column) => column);
    }
    yield { line, fields: places.map((place) => fields[place] ?? '') };
  }
};

export type Pair = { readonly user: string; readonly item: string };

/** user, item pairs. A header is recognised by its names. Throws CONFIG. */
export const readPairs = async function* (path: string): AsyncGenerator<Pair> {
  for await (const { fields } of rowsOf(path, [COLUMN.user, COLUMN.item])) yield { user: fields[0]!, item: fields[1]! };
};

export type GivenRating = { readonly item: string; readonly rating: number };

/** item, rating lines of one user. Throws CONFIG naming the line whose rating is no number. */
export const readGivenRatings = async (path: string): Promise<readonly GivenRating[]> => {
  const ratings: GivenRating[] = [];
  for await (const { line, fields } of rowsOf(path, [COLUMN.item, COLUMN.rating])) {
    const [item, text] = fields as [string, string];
    const rating = text.trim() === '' ? Number.NaN : Number(text);
    if (!Number.isFinite(rating)) throw badInput('CONFIG', `${path}:${line}`, 'a numeric rating', JSON.stringify(text.slice(0, 60)));
    ratings.push({ item, rating });
  }
  return ratings;
};

/** Titles by item id, from a file such as MovieLens's movies.csv or movies.dat. Throws CONFIG. */
export const readTitles = async (path: string): Promise<ReadonlyMap<string, string>> => {
  const titles = new Map<string, string>();
  for await (const { fields } of rowsOf(path, [COLUMN.item, COLUMN.title])) titles.set(fields[0]!, fields[1]!);
  return titles;
};

/** A user's own ratings as dense items, and how many of them are of items that the data do not have. */
export type KnownRatings = { readonly ratings: Interactions; readonly unknown: number };

/**
 * Ratings of a user who is not in the data. Throws CONFIG for a rating outside of the scale, for an item that is rated twice, and if no item is
 * one of the data.
 */
export const knownRatings = (
  given: readonly GivenRating[],
  items: IdNames,
  { lowest, highest }: { readonly lowest: number; readonly highest: number },
  place: string,
): KnownRatings => {
  const byItem = new Map<number, number>();
  let unknown = 0;
  for (const { item, rating } of given) {
    const dense = items.find(item);
    if (!(rating >= lowest && rating <= highest))
      throw badInput('CONFIG', `${place}, item ${item}`, `a rating from ${lowest} to ${highest}`, String(rating));
    if (dense === undefined) unknown += 1;
    else if (byItem.has(dense)) throw badInput('CONFIG', `${place}, item ${item}`, 'one rating of an item', 'a second one');
    else byItem.set(dense, rating);
  }
  if (byItem.size === 0) {
    const found = given.length === 0 ? 'no rating' : `${given.length} ratings of other items`;
    throw badInput('CONFIG', place, 'ratings of items that the data have', found);
  }
  return { ratings: { items: Uint32Array.from(byItem.keys()), values: Float32Array.from(byItem.values()) }, unknown };
};
