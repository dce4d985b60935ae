import type { OriginalId } from '../import/row-sink.js';

/** The columns that matter, by header name, or by number: 1 is the first, as in cut(1). */
export type Columns = {
  readonly user: string | number;
  readonly item: string | number;
  /** Absent: the file has pairs and no ratings. */
  readonly rating?: string | number;
  readonly time?: string | number;
};

export type Role = 'user' | 'item' | 'rating' | 'time';

/**
 * What the numbers are: ratings (`explicit`), or how often or how long a user used an item (`counts`). `pairs` have no number,
 * and 1 stands for each.
 */
export type FeedbackKind = 'explicit' | 'counts' | 'pairs';

export const LAYOUTS = ['delimited', 'json', 'blocks', 'reviews', 'matrix', 'lists', 'market', 'table'] as const;
export type LayoutName = (typeof LAYOUTS)[number];

/** What was recognised of a file, for people and for the readers. */
export type Recognised = {
  readonly layout: LayoutName;
  /** For people: "MovieLens ratings, 1M and 10M form". */
  readonly title: string;
  readonly feedback: FeedbackKind;
  /** What is read, in words: "user", "item", "rating", "time" → column name or number. */
  readonly columns: Partial<Readonly<Record<Role, string>>>;
  /** Values that stand for "not rated" in this format. */
  readonly unrated: readonly number[];
  readonly delimiter?: string;
  readonly header?: boolean;
  readonly notes: readonly string[];
};

/** One rating as the file has it. `value`: NaN where the format has no ratings, null where a rating is missing. `time`: seconds since 1970, or NaN. */
export type Emit = (user: OriginalId, item: OriginalId, value: number | null, line: number, time: number) => void;

/** A mistake in a line of the file, as an error that names it. */
export type Fail = (line: number, expected: string, found: string) => Error;

const INTEGER = /^(0|-?[1-9]\d{0,14})$/;

/** An id given as text, a number or a bigint. Integers of at most 15 digits are numbers, so that `1` and `"1"` are one id; all else is text. */
export const idOf = (value: unknown): OriginalId | undefined => {
  const text =
    typeof value === 'string' ? value.trim() : typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
  if (text === undefined || text === '') return undefined;
  return INTEGER.test(text) ? Number(text) : text;
};

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** A rating given as text, a number, a bigint or a truth value; NaN if it is none that a 32-bit float holds. */
export const ratingOf = (value: unknown): number => {
  if (typeof value === 'boolean') return Number(value);
  const number = typeof value === 'string' ? (NUMBER.test(value.trim()) ? Number(value) : Number.NaN) : Number(value ?? Number.NaN);
  return typeof value === 'object' || !Number.isFinite(Math.fround(number)) ? Number.NaN : number;
};

/** A value in an error: short, on one line. */
export const shown = (value: unknown): string => {
  const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'nothing');
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};
