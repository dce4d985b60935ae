import { badInput } from '../../base/errors.js';
import { MAX_FIELDS, splitFields } from './fields.js';

/** Columns by header name, or by number: 1 is the first, as in cut(1). */
export type Columns = {
  readonly user: string | number;
  readonly item: string | number;
  readonly rating: string | number;
};

/** Where the three fields are (0-based), and whether the first line only says so. */
type Located = {
  readonly delimiter: string;
  readonly user: number;
  readonly item: number;
  readonly rating: number;
  readonly fields: number;
  readonly header: boolean;
};

/** Tried in this order. `::` before `:`-free ones since ML-1M's lines contain nothing else; a space only when all else fails. */
const DELIMITERS = ['::', '\t', ',', ';', '|', ' '] as const;

/** Header names that are understood without `columns`, lower case and letters only: userId, User-ID, movieID, Book-Rating … */
const USER = /^(user|uid|reviewer|customer|member)(id)?$/;
const ITEM = /^(item|iid|movie|film|product|book|isbn|asin|song|business)(id)?$/;
const RATING = /^(book|movie|user)?(rating|ratings|score|stars)$/;

const letters = (name: string): string => name.toLowerCase().replace(/[^a-z]/g, '');

const fieldsOf = (line: string, delimiter: string): string[] => {
  const bytes = Buffer.from(line);
  const bounds = new Int32Array(2 * MAX_FIELDS);
  const count = splitFields(bytes, 0, bytes.length, Buffer.from(delimiter), bounds);
  return Array.from({ length: Math.min(count, MAX_FIELDS) }, (_, i) => bytes.toString('utf8', bounds[2 * i], bounds[2 * i + 1]));
};

/** A header in an error: a line of it, however long it is. */
const shown = (names: readonly string[]): string => {
  const text = names.join(', ');
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
};

/**
 * Reads a file's first line. Without columns given: by the names above if the line has them, else user, item, rating first.
 * @throws MetafleetError DATA when a named column is not in the header, or a numbered one past the line's end.
 */
export const locate = (place: string, line: string, wanted: { delimiter?: string; columns?: Columns }): Located => {
  const delimiter = wanted.delimiter ?? DELIMITERS.find((candidate) => line.includes(candidate)) ?? '\t';
  const names = fieldsOf(line, delimiter);
  if (names.length < 3) {
    throw badInput('DATA', place, `at least 3 fields separated by ${JSON.stringify(delimiter)}`, `${names.length}`);
  }
  const guess = (pattern: RegExp): number => names.findIndex((name) => pattern.test(letters(name)));
  const named = { user: guess(USER), item: guess(ITEM), rating: guess(RATING) };
  if (wanted.columns === undefined) {
    if (named.user >= 0 && named.item >= 0 && named.rating >= 0) return { delimiter, ...named, fields: names.length, header: true };
    if (named.rating >= 0) {
      throw badInput('DATA', place, 'a header with a user, an item and a rating column (or columns given)', shown(names));
    }
    return { delimiter, user: 0, item: 1, rating: 2, fields: names.length, header: false };
  }
  let header = false;
  const columnOf = (column: string | number, kind: string): number => {
    if (typeof column === 'number') {
      if (Number.isInteger(column) && column >= 1 && column <= names.length) return column - 1;
      throw badInput('DATA', place, `a ${kind} column from 1 to ${names.length}`, `${column}`);
    }
    header = true;
    const index = names.indexOf(column);
    if (index >= 0) return index;
    throw badInput('DATA', place, `a header with the ${kind} column ${JSON.stringify(column)}`, shown(names));
  };
  const { columns } = wanted;
  const user = columnOf(columns.user, 'user');
  const item = columnOf(columns.item, 'item');
  const rating = columnOf(columns.rating, 'rating');
  header ||= RATING.test(letters(names[rating] ?? ''));
  return { delimiter, user, item, rating, fields: names.length, header };
};
