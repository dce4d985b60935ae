import { isNumeric } from './delimiter.js';
import type { FeedbackKind } from './reading.js';
import { secondsOf } from './time.js';

/** Columns of a file without a header, 0-based; −1: none. */
export type Signature = {
  readonly title: string;
  readonly user: number;
  readonly item: number;
  readonly rating: number;
  readonly time: number;
  readonly feedback: FeedbackKind;
  readonly notes?: readonly string[];
};

type Rows = readonly (readonly string[])[];

/** Earliest time that is taken for one: 1980. A rating, a rank or a count of plays is below. */
const EARLIEST = 3.2e8;

const every = (rows: Rows, column: number, test: (text: string) => boolean): boolean =>
  rows.every((row) => row[column] !== undefined && test(row[column]));

const isDate = (text: string): boolean => !isNumeric(text) && !Number.isNaN(secondsOf(text));
const isTime = (text: string): boolean => isDate(text) || (/^\d+(\.\d+)?$/.test(text) && secondsOf(text) >= EARLIEST);

const ASIN = /^(B[0-9A-Z]{9}|\d{9}[\dX])$/;
const AMAZON_USER = /^A[0-9A-Z]{8,20}$|^A[A-Z0-9]{26,}$/;
const SHA1 = /^[0-9a-f]{40}$/;
const BEHAVIOURS = /^(pv|buy|cart|fav|click|view|purchase|addtocart|transaction)$/;

type Known = {
  readonly title: string;
  readonly fields: readonly number[];
  readonly test: (rows: Rows) => boolean;
} & Omit<Signature, 'title'>;

const explicit = { feedback: 'explicit' } as const;

const KNOWN: readonly Known[] = [
  {
    ...explicit,
    title: 'Amazon ratings: user, item, rating, time',
    fields: [3, 4],
    test: (rows) =>
      every(rows, 0, (text) => AMAZON_USER.test(text)) && every(rows, 1, (text) => ASIN.test(text)) && every(rows, 2, isNumeric),
    ...{ user: 0, item: 1, rating: 2, time: 3 },
  },
  {
    ...explicit,
    title: 'Amazon ratings: item, user, rating, time',
    fields: [3, 4],
    test: (rows) =>
      every(rows, 0, (text) => ASIN.test(text)) && every(rows, 1, (text) => AMAZON_USER.test(text)) && every(rows, 2, isNumeric),
    ...{ user: 1, item: 0, rating: 2, time: 3 },
  },
  {
    title: 'Steam-200k: hours played; rows of purchases count one hour',
    fields: [4, 5],
    test: (rows) => every(rows, 2, (text) => /^(purchase|play)$/.test(text)) && every(rows, 3, isNumeric),
    feedback: 'counts',
    ...{ user: 0, item: 1, rating: 3, time: -1 },
    notes: ['a game has a row for its purchase and one for its hours: duplicates: max keeps the hours'],
  },
  {
    title: 'Taobao behaviour: user, item, category, kind of event, time',
    fields: [5],
    test: (rows) => every(rows, 3, (text) => BEHAVIOURS.test(text)) && every(rows, 4, isTime),
    feedback: 'pairs',
    ...{ user: 0, item: 1, rating: -1, time: 4 },
  },
  {
    title: 'Last.fm 360K: user, artist id, artist, plays',
    fields: [4],
    test: (rows) => every(rows, 0, (text) => SHA1.test(text)) && every(rows, 3, isNumeric),
    feedback: 'counts',
    ...{ user: 0, item: 1, rating: 3, time: -1 },
  },
  {
    title: 'Million Song taste profiles: user, song, plays',
    fields: [3],
    test: (rows) => every(rows, 0, (text) => SHA1.test(text)) && every(rows, 1, (text) => /^SO[0-9A-Z]{16}$/.test(text)),
    feedback: 'counts',
    ...{ user: 0, item: 1, rating: 2, time: -1 },
  },
  {
    title: 'Last.fm 1K: user, time, artist id, artist, track id, track',
    fields: [6],
    test: (rows) => every(rows, 1, isDate) && every(rows, 0, (text) => /^user_\d+$/.test(text)),
    feedback: 'pairs',
    ...{ user: 0, item: 2, rating: -1, time: 1 },
  },
  {
    title: 'check-ins (Gowalla, Brightkite): user, time, latitude, longitude, place',
    fields: [5],
    test: (rows) => every(rows, 1, isDate) && every(rows, 2, isNumeric) && every(rows, 3, isNumeric),
    feedback: 'pairs',
    ...{ user: 0, item: 4, rating: -1, time: 1 },
  },
  {
    title: 'Foursquare check-ins: user, venue, category id, category, latitude, longitude, offset, time',
    fields: [8],
    test: (rows) => every(rows, 7, isDate) && every(rows, 4, isNumeric) && every(rows, 5, isNumeric),
    feedback: 'pairs',
    ...{ user: 0, item: 1, rating: -1, time: 7 },
  },
  {
    ...explicit,
    title: 'CiaoDVD: user, item, genre, review, rating, date',
    fields: [6],
    test: (rows) => every(rows, 5, isDate) && every(rows, 4, isNumeric) && every(rows, 3, isNumeric),
    ...{ user: 0, item: 1, rating: 4, time: 5 },
  },
  {
    title: 'YooChoose clicks: session, time, item, category',
    fields: [4],
    test: (rows) => every(rows, 1, isDate) && every(rows, 2, isNumeric) && !every(rows, 3, isTime),
    feedback: 'pairs',
    ...{ user: 0, item: 2, rating: -1, time: 1 },
  },
];

/** Forms that many sets share, by what separates their fields. */
const GENERIC: Readonly<Record<string, string>> = {
  '::': 'MovieLens ratings, 1M and 10M form: user::item::rating::time',
  '\t': 'user TAB item TAB rating, as MovieLens 100K has it',
  ' ': 'user item rating between blanks, as FilmTrust, Epinions and Ciao have it',
};

/**
 * What a file without a header holds. Undefined: its third field is no number, and it is no form that is known.
 * Three or more fields are user, item and rating; a third field that can only be a time makes pairs, and so do two fields.
 */
export const signatureOf = (rows: Rows, delimiter: string): Signature | undefined => {
  const fields = rows[0]!.length;
  const known = KNOWN.find((each) => each.fields.includes(fields) && each.test(rows));
  if (known !== undefined) return { ...known, time: known.time < fields ? known.time : -1 };
  if (fields === 2) return { title: 'pairs: user, item', user: 0, item: 1, rating: -1, time: -1, feedback: 'pairs' };
  if (every(rows, 2, isTime)) return { title: 'pairs: user, item, time', user: 0, item: 1, rating: -1, time: 2, feedback: 'pairs' };
  if (!rows.some((row) => isNumeric(row[2] ?? ''))) return undefined;
  const time = fields >= 4 && every(rows, 3, isTime) ? 3 : -1;
  const title = GENERIC[delimiter] ?? 'user, item, rating';
  return { ...explicit, title: time < 0 ? title.replace('::time', '') : title, user: 0, item: 1, rating: 2, time };
};
