import { badInput, messageOf } from '../../../base/errors.js';
import type { Wanted } from '../../import/header.js';
import { type Layout, type LayoutInput, textLines } from '../layout.js';
import { type NamedRoles, rolesOf, setOfHeader } from '../names.js';
import { idOf, ratingOf, shown } from '../reading.js';
import { secondsOf, secondsOfNumber } from '../time.js';
import { eachObject } from './json-objects.js';
import { parsePython } from './python-literal.js';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The keys that hold what is read. `list`: the key of a list of objects, one an item (Steam's libraries of players). */
type Keys = {
  readonly user: string;
  readonly item: string;
  readonly rating: string | undefined;
  readonly time: string | undefined;
  readonly list?: string;
  readonly feedback: NamedRoles['feedback'];
};

/** Ids of 16 digits and more, which JSON.parse would round, as texts. Within a text, a quote has a backslash before it. */
const keepDigits = (text: string): string =>
  /\d{16}/.test(text) ? text.replace(/("(?:[^"\\]|\\.)*"\s*:\s*)(-?\d{16,})(?=\s*[,}\]])/g, '$1"$2"') : text;

const parseJson = (text: string): unknown => JSON.parse(keepDigits(text));

const parseAny = (text: string, python: boolean): unknown => (python ? parsePython(text) : parseJson(text));

const keysIn = (fields: Fields): Keys | undefined => {
  const names = Object.keys(fields);
  const roles = rolesOf(names);
  const { user, item, rating, time, feedback } = roles;
  if (user >= 0 && item >= 0) return { user: names[user]!, item: names[item]!, rating: names[rating], time: names[time], feedback };
  if (user < 0) return undefined;
  for (const list of names) {
    const first: unknown = Array.isArray(fields[list]) ? (fields[list] as unknown[])[0] : undefined;
    if (!isFields(first)) continue;
    const inner = Object.keys(first);
    const within = rolesOf(inner);
    if (within.item < 0) continue;
    const { feedback: kind } = within;
    return { user: names[user]!, list, item: inner[within.item]!, rating: inner[within.rating], time: inner[within.time], feedback: kind };
  }
  return undefined;
};

const givenKeys = (place: string, columns: NonNullable<Wanted['columns']>): Keys => {
  const { user, item, rating, time } = columns;
  for (const column of [user, item, rating, time]) {
    if (typeof column === 'number') throw badInput('DATA', place, 'columns by name, since the lines are JSON', `${column}`);
  }
  return {
    user: String(user),
    item: String(item),
    rating: rating as string | undefined,
    time: time as string | undefined,
    feedback: rating === undefined ? 'pairs' : 'explicit',
  };
};

const timeOf = (value: unknown): number =>
  typeof value === 'number' ? secondsOfNumber(value) : typeof value === 'string' ? secondsOf(value.trim()) : Number.NaN;

/** Emits what one object holds. */
const emitObject = (fields: Fields, keys: Keys, line: number, { emit, fail }: LayoutInput): void => {
  const one = (outer: Fields, inner: Fields): void => {
    const user = idOf(outer[keys.user]);
    const item = idOf(inner[keys.item]);
    if (user === undefined) throw fail(line, `a user id in ${shown(keys.user)}`, `${shown(outer[keys.user])} (empty user)`);
    if (item === undefined) throw fail(line, `an item id in ${shown(keys.item)}`, `${shown(inner[keys.item])} (empty item)`);
    const given = keys.rating === undefined ? undefined : inner[keys.rating];
    const value = ratingOf(given);
    if (keys.rating !== undefined && given !== null && Number.isNaN(value)) throw fail(line, 'a numeric rating', shown(given));
    emit(user, item, given === null ? null : value, line, keys.time === undefined ? Number.NaN : timeOf(inner[keys.time]));
  };
  if (keys.list === undefined) {
    one(fields, fields);
    return;
  }
  const list = fields[keys.list];
  if (!Array.isArray(list)) throw fail(line, `a list in ${shown(keys.list)}`, shown(list));
  for (const each of list) {
    if (!isFields(each)) throw fail(line, `objects in ${shown(keys.list)}`, shown(each));
    one(fields, each);
  }
};

/** The object that a text holds, as a list of one; none if it holds another thing. */
const parsed = (text: string, python: boolean): Fields[] => {
  try {
    const value = parseAny(text, python);
    return isFields(value) ? [value] : [];
  } catch {
    return [];
  }
};

const examples = (lines: readonly string[], isArray: boolean): { python: boolean; objects: readonly Fields[] } => {
  const texts: string[] = [];
  if (isArray) eachObject((text) => void texts.push(text)).push(Buffer.from(lines.join('\n')));
  else texts.push(...lines);
  const asJson = texts.flatMap((text) => parsed(text, false));
  if (asJson.length > 0 || isArray) return { python: false, objects: asJson };
  return { python: true, objects: texts.flatMap((text) => parsed(text, true)) };
};

/** JSON: an object a line, or a list of objects; or Python's form of the former. @throws MetafleetError DATA without user and item in it. */
export const json = (place: string, lines: readonly string[], { columns }: Wanted): Layout => {
  const isArray = /^\s*\[/.test(lines[0]!);
  const { python, objects } = examples(lines, isArray);
  if (objects.length === 0) throw badInput('DATA', place, 'objects in JSON, one a line or in a list', shown(lines[0]!.slice(0, 60)));
  const keys = columns === undefined ? objects.map(keysIn).find((found) => found !== undefined) : givenKeys(place, columns);
  if (keys === undefined) {
    const names = Object.keys(objects[0]!).join(', ').slice(0, 200);
    throw badInput('DATA', place, 'keys for user and item (or columns: [user, item, rating])', names || 'an empty object');
  }
  const names = Object.keys(objects[0]!);
  const within = keys.list === undefined ? '' : `${keys.list}[].`;
  const form = isArray ? 'a list of JSON objects' : python ? "Python's dicts, one a line" : 'JSON lines';
  return {
    recognised: {
      layout: 'json',
      title: `${setTitle(names) ?? 'objects'}: ${form}`,
      feedback: keys.feedback,
      columns: {
        user: keys.user,
        item: within + keys.item,
        ...(keys.rating !== undefined && { rating: within + keys.rating }),
        ...(keys.time !== undefined && { time: within + keys.time }),
      },
      unrated: setOfHeader(names)?.unrated ?? (isGoodreads(names) ? [0] : []),
      notes: [],
    },
    read: async (input) => {
      const take = (text: string, line: number): void => {
        let value: unknown;
        try {
          value = parseAny(text, python);
        } catch (error) {
          throw input.fail(
            line,
            python ? "an object in Python's form" : 'an object in JSON',
            messageOf(error).split('\n')[0]!.slice(0, 100),
          );
        }
        if (!isFields(value)) throw input.fail(line, 'an object', shown(value));
        emitObject(value, keys, line, input);
      };
      if (!isArray) return input.lines(textLines(input.fail, (text, line) => void (text.trim() !== '' && take(text, line))));
      const objectsOf = eachObject(take, (line, found) => input.fail(line, 'an object of less than 1 MiB in a list', found));
      for await (const chunk of input.chunks) objectsOf.push(chunk);
      objectsOf.end();
    },
  };
};

const isGoodreads = (names: readonly string[]): boolean =>
  ['user_id', 'book_id', 'review_id', 'rating', 'read_at'].every((name) => names.includes(name));

const setTitle = (names: readonly string[]): string | undefined => {
  const has = (...wanted: readonly string[]): boolean => wanted.every((name) => names.includes(name));
  if (has('reviewerID', 'asin', 'overall')) return 'Amazon reviews, 2014 and 2018 form';
  if (has('user_id', 'parent_asin', 'rating')) return 'Amazon reviews, 2023 form';
  if (has('user_id', 'business_id', 'stars')) return 'Yelp reviews';
  if (has('user_id', 'gmap_id', 'rating')) return 'Google Local reviews';
  if (has('user_id', 'items_count', 'items')) return 'Steam libraries';
  if (has('username', 'product_id', 'hours')) return 'Steam reviews';
  return isGoodreads(names) ? 'Goodreads reviews (UCSD)' : undefined;
};
