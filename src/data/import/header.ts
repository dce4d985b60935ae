import { badInput } from '../../base/errors.js';
import { BLANKS, fieldsOf, isNumeric, judgeDelimiter } from '../formats/delimiter.js';
import { isHeader, isRatingName, isTyped, type NamedRoles, plainName, rolesOf, setOfHeader } from '../formats/names.js';
import type { Columns, FeedbackKind, Recognised, Role } from '../formats/reading.js';
import { signatureOf } from '../formats/signature.js';

/** Where the fields are (0-based; −1: not there), and whether the first line only says so. */
export type Located = {
  readonly delimiter: string;
  readonly user: number;
  readonly item: number;
  readonly rating: number;
  readonly time: number;
  readonly fields: number;
  readonly header: boolean;
  readonly recognised: Recognised;
};

export type Wanted = {
  readonly delimiter?: string;
  readonly columns?: Columns;
  /** Whether the first line is a header. Default: by what it says. */
  readonly header?: boolean;
};

/** A header in an error: a line of it, however long it is. */
const shown = (names: readonly string[]): string => {
  const text = names.join(', ');
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
};

type Places = Readonly<Record<Role, number>>;

const ROLES = ['user', 'item', 'rating', 'time'] as const;

/** The columns that were named, by header name or number. @throws MetafleetError DATA for one that is not there. */
const wantedPlaces = (place: string, names: readonly string[], columns: Columns): { places: Places; named: boolean } => {
  let named = false;
  const placeOf = (role: Role): number => {
    const column = columns[role];
    if (column === undefined) return -1;
    if (typeof column === 'number') {
      if (Number.isInteger(column) && column >= 1 && column <= names.length) return column - 1;
      throw badInput('DATA', place, `a ${role} column from 1 to ${names.length}`, `${column}`);
    }
    named = true;
    const index = names.indexOf(column);
    const typed = index >= 0 ? index : names.findIndex((name) => plainName(name) === column);
    if (typed >= 0) return typed;
    throw badInput('DATA', place, `a header with the ${role} column ${JSON.stringify(column)}`, shown(names));
  };
  const [user, item, rating, time] = ROLES.map(placeOf);
  return { places: { user: user!, item: item!, rating: rating!, time: time! }, named };
};

const COUNTED = /^(weight|plays?|playcount|count|counts|hours|watch_?ratio)$/i;

const describe = (
  delimiter: string,
  names: readonly string[] | undefined,
  places: Places,
  rest: {
    readonly title: string;
    readonly feedback: FeedbackKind;
    readonly unrated?: readonly number[];
    readonly notes?: readonly string[];
  },
): Recognised => {
  const columns: Partial<Record<Role, string>> = {};
  for (const role of ROLES) {
    const at = places[role];
    if (at >= 0) columns[role] = names?.[at] === undefined ? `${at + 1}` : `${at + 1} (${names[at]})`;
  }
  const { title, feedback, unrated = [], notes = [] } = rest;
  return { layout: 'delimited', title, feedback, columns, unrated, delimiter, header: names !== undefined, notes };
};

const byHeader = (place: string, names: readonly string[], roles: NamedRoles, delimiter: string): Located => {
  if (!isHeader(roles)) {
    throw badInput('DATA', place, 'a header with a user, an item and a rating column (or columns: [user, item, rating])', shown(names));
  }
  const typed = names.some(isTyped);
  const set = setOfHeader(names);
  const title = typed ? 'RecBole atomic file' : (set?.title ?? `columns by name, separated by ${delimiterText(delimiter)}`);
  const rest = { title, feedback: roles.feedback, unrated: set?.unrated ?? [] };
  return { delimiter, ...roles, fields: names.length, header: true, recognised: describe(delimiter, names, roles, rest) };
};

export const delimiterText = (delimiter: string): string =>
  delimiter === '\t' ? 'a tab' : delimiter === BLANKS ? 'blanks' : JSON.stringify(delimiter);

/** The first line names nothing that is known, and those that follow have numbers where it has none. */
const isUnknownHeader = ([names, ...rest]: readonly (readonly string[])[]): boolean =>
  !names!.some((name) => isNumeric(name)) && rest.length > 0 && rest.every((row) => row.some((field) => isNumeric(field)));

const byColumns = (
  place: string,
  rows: readonly (readonly string[])[],
  columns: Columns,
  wanted: Wanted & { delimiter: string },
): Located => {
  const names = rows[0]!;
  const { delimiter } = wanted;
  const { places, named } = wantedPlaces(place, names, columns);
  const told = names[places.rating];
  const looks =
    told === undefined
      ? isHeader(rolesOf(names)) || isUnknownHeader(rows)
      : isRatingName(told) || (!isNumeric(told) && isUnknownHeader(rows));
  const header = wanted.header ?? (named || looks);
  const feedback = places.rating < 0 ? 'pairs' : COUNTED.test(told ?? '') ? 'counts' : 'explicit';
  const unrated = header ? (setOfHeader(names)?.unrated ?? []) : [];
  const rest = { title: `columns as given, separated by ${delimiterText(delimiter)}`, feedback, unrated } as const;
  return { delimiter, ...places, fields: names.length, header, recognised: describe(delimiter, header ? names : undefined, places, rest) };
};

/**
 * Reads the first lines of a file. Without columns given: by the names of its header, else by the forms of signature.ts, else user,
 * item, rating first. `place` is that of the first line.
 * @throws MetafleetError DATA when a named column is not there, or a header says nothing that is known.
 */
export const locate = (place: string, lines: readonly string[], wanted: Wanted): Located => {
  const judged =
    wanted.delimiter === undefined
      ? judgeDelimiter(lines)
      : { delimiter: wanted.delimiter, rows: lines.map((line) => fieldsOf(line, wanted.delimiter!)) };
  const { delimiter, rows } = judged;
  const names = rows[0]!;
  if (names.length < 2) {
    const separator = wanted.delimiter === undefined ? 'a delimiter' : delimiterText(delimiter);
    throw badInput('DATA', place, `at least 3 fields separated by ${separator} (2 for pairs without a rating)`, `${names.length}`);
  }
  if (wanted.columns !== undefined) return byColumns(place, rows, wanted.columns, { ...wanted, delimiter });
  const roles = rolesOf(names);
  if (wanted.header !== false) {
    const says = isHeader(roles) || names.some(isTyped) || (roles.rating >= 0 && roles.feedback === 'explicit');
    if (wanted.header === true || says || isUnknownHeader(rows)) return byHeader(place, names, roles, delimiter);
  }
  const whole = rows.filter(({ length }) => length === names.length);
  const signature = signatureOf(whole, delimiter);
  if (signature === undefined) {
    throw badInput('DATA', place, 'a numeric rating in the third field (or columns: [user, item, rating])', shown(names.slice(0, 6)));
  }
  return { delimiter, ...signature, fields: names.length, header: false, recognised: describe(delimiter, undefined, signature, signature) };
};
