import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { badInput, messageOf } from '../../base/errors.js';
import { fieldText, MAX_FIELDS, splitFields } from '../../data/import/fields.js';

/** A line of a table: its fields, and its number from 1. */
export type TableLine = { readonly line: number; readonly fields: readonly string[] };

const DELIMITERS = ['::', '\t', ',', ';', '|', ' '] as const;

const fieldsOf = (line: string, delimiter: string): readonly string[] => {
  const bytes = Buffer.from(line);
  const bounds = new Int32Array(2 * MAX_FIELDS);
  const count = Math.min(MAX_FIELDS, splitFields(bytes, 0, bytes.length, Buffer.from(delimiter), bounds));
  return Array.from({ length: count }, (_, field) => fieldText(bytes, bounds[2 * field]!, bounds[2 * field + 1]!));
};

/** The name that stands for standard input. */
const STDIN = '-';

/**
 * Lines of a delimited file, or of standard input, as they come. The delimiter is the first of `::`, tab, `,`, `;`, `|` and blank that gives
 * the first line at least `least` fields. Empty lines are passed over. Throws CONFIG naming file and line.
 */
export const readTable = async function* (path: string, least: number): AsyncGenerator<TableLine> {
  const place = path === STDIN ? 'standard input' : path;
  const input: Readable = path === STDIN ? process.stdin : createReadStream(path);
  let delimiter: string | undefined;
  let line = 0;
  try {
    for await (const raw of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      line += 1;
      const text = line === 1 ? raw.replace(/^\uFEFF/, '') : raw;
      if (text.trim() === '') continue;
      delimiter ??= DELIMITERS.find((candidate) => fieldsOf(text, candidate).length >= least);
      const fields = delimiter === undefined ? [text] : fieldsOf(text, delimiter);
      if (fields.length < least) throw badInput('CONFIG', `${place}:${line}`, `at least ${least} fields`, String(fields.length));
      yield { line, fields };
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw badInput('CONFIG', place, 'a file that can be read', messageOf(error));
  } finally {
    input.destroy();
  }
};

const letters = (name: string): string => name.toLowerCase().replace(/[^a-z]/g, '');

/** Header names, lower case and letters only, that are understood. */
export const COLUMN = {
  user: /^(user|uid|reviewer|customer|member)(id|idtoken)?$/,
  item: /^(item|iid|movie|film|product|book|isbn|asin|song|business)(id|idtoken)?$/,
  rating: /^(book|movie|user)?(rating|ratings|score|stars|ratingfloat)$/,
  title: /^(book|movie|item)?(title|titletokenseq|name)$/,
} as const;

/** Positions of columns by a header, or undefined unless the line names all of them. */
export const columnsIn = (fields: readonly string[], patterns: readonly RegExp[]): readonly number[] | undefined => {
  const places = patterns.map((pattern) => fields.findIndex((name) => pattern.test(letters(name))));
  return places.includes(-1) ? undefined : places;
};
