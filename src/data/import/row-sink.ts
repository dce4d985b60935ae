import { badInput, messageOf } from '../../base/errors.js';
import { type RatingRows, reserve } from './rows.js';

/** An id as a file has it: a number if it is a canonical integer of at most 15 digits (fields.ts, parseInteger), else its text. */
export type OriginalId = number | string;

/** What every reader of ratings writes to: the one place where rows are appended. */
export type RowSink = {
  /** The rows that follow come from this file. */
  readonly begin: (path: string) => void;
  /**
   * Appends one rating. `line`: where it stands in the file, from 1. `time`: seconds since 1970, NaN if it has none.
   * @throws MetafleetError DATA naming file and line: an empty id, one outside of the declared range, or too many ids.
   */
  readonly add: (user: OriginalId, item: OriginalId, value: number, line: number, time?: number) => void;
  /** Ends the file, and returns how many rows it had. */
  readonly end: () => number;
};

type Kind = 'user' | 'item';

const article = (kind: Kind): string => (kind === 'user' ? 'a user' : 'an item');

/** A sink into growing columns, ids provisional. `declared`: ids are 0 … count−1, and others are errors. */
export const rowSink = (rows: RatingRows, declared: { readonly users?: number; readonly items?: number } = {}): RowSink => {
  let path = '';
  const fail = (line: number, expected: string, found: string) => badInput('DATA', `${path}:${line}`, expected, found);

  const indexOf = (id: OriginalId, kind: Kind, line: number): number => {
    const table = kind === 'user' ? rows.userIds : rows.itemIds;
    const count = kind === 'user' ? declared.users : declared.items;
    if (id === '') throw fail(line, `${article(kind)} id`, `an empty field (empty ${kind})`);
    if (count !== undefined && !(typeof id === 'number' && id >= 0 && id < count)) {
      throw fail(line, `${article(kind)} id from 0 to ${count - 1}`, `${JSON.stringify(String(id).slice(0, 60))} (${kind} id overflow)`);
    }
    try {
      return typeof id === 'number' ? table.integer(id) : table.text(id);
    } catch (error) {
      throw fail(line, `a set of ids that fits (${kind} id overflow)`, messageOf(error));
    }
  };

  return {
    begin: (file) => {
      path = file;
      rows.files.push({ path, from: rows.count, to: rows.count });
    },
    add: (user, item, value, line, time = Number.NaN) => {
      const at = rows.count;
      if (at === rows.users.length) reserve(rows, at + 1);
      rows.users[at] = indexOf(user, 'user', line);
      rows.items[at] = indexOf(item, 'item', line);
      rows.values[at] = value;
      rows.lines[at] = line;
      if (!Number.isNaN(time) && rows.times === undefined) rows.times = new Float64Array(rows.users.length).fill(Number.NaN);
      if (rows.times !== undefined) rows.times[at] = time;
      rows.count = at + 1;
    },
    end: () => {
      const file = rows.files.at(-1)!;
      file.to = rows.count;
      return file.to - file.from;
    },
  };
};
