import { fieldText, MAX_FIELDS, parseDecimal, parseInteger, splitFields } from '../import/fields.js';
import { type IdTable, idTable } from '../import/ids.js';
import type { Scale } from '../import/reader.js';
import { type Chunk, emptyChunk } from './chunk.js';
import { noFacts, type ValueFacts, valueGatherer } from './value-facts.js';

/** How the lines of a delimited file are parsed: what the reader has found out from the first of them. Fields are numbered from 0. */
export type LineForm = {
  readonly delimiter: string;
  readonly fields: number;
  readonly user: number;
  readonly item: number;
  readonly rating: number;
  readonly time?: number;
  readonly scale?: Scale;
  readonly skip?: number;
  readonly declared?: { readonly users?: number; readonly items?: number };
};

/** What is wrong with a line: counted from 1 within the chunk. */
export type LineFault = { readonly line: number; readonly expected: string; readonly found: string };

export type Parsed = {
  readonly chunk: Chunk;
  readonly lines: number;
  /** The first empty line, and the last that is not; 0 where there is none. */
  readonly firstBlank: number;
  readonly lastFilled: number;
  readonly fault?: LineFault;
};

/** What a thread knows of the rows that it has parsed so far. */
export type Seen = {
  readonly items: IdTable;
  /** By provisional item: chunk · 2³² + row of its first occurrence. */
  firstOf: Float64Array;
  readonly facts: ValueFacts;
  /** Whether each time is a whole number of [0, 2³²). */
  wholeTimes: boolean;
  /** Whether there is a time at all. */
  anyTime: boolean;
  /** Whether a user id is no integer. */
  textUsers: boolean;
};

export const nothingSeen = (): Seen => ({
  items: idTable(),
  firstOf: new Float64Array(1024),
  facts: noFacts(),
  wholeTimes: true,
  anyTime: false,
  textUsers: false,
});

/** Keeps where an item occurred first; `known` is the number of items before. */
export const noteItem = (seen: Seen, item: number, known: number, chunk: number, row: number): void => {
  if (item < known) return;
  if (item >= seen.firstOf.length) {
    const wider = new Float64Array(2 * seen.firstOf.length);
    wider.set(seen.firstOf);
    seen.firstOf = wider;
  }
  seen.firstOf[item] = chunk * 2 ** 32 + row;
};

const isWhole = (time: number): boolean => Number.isInteger(time) && time >= 0 && time < 2 ** 32;
export const noteTime = (seen: Seen, time: number): void => {
  if (seen.wholeTimes && !isWhole(time)) seen.wholeTimes = false;
  if (!seen.anyTime && !Number.isNaN(time)) seen.anyTime = true;
};

const [NEWLINE, RETURN, QUOTE, SPACE, BACKSLASH] = [10, 13, 34, 32, 92];

/** Undoes the escaping of quotes inside of bytes[from, to), in place, as `fieldText` does. Returns the new end. */
const undoEscapes = (bytes: Uint8Array, from: number, to: number): number => {
  let out = from;
  for (let at = from; at < to; at++) {
    if (at + 1 < to && bytes[at + 1] === QUOTE && (bytes[at] === QUOTE || bytes[at] === BACKSLASH)) at++;
    bytes[out++] = bytes[at]!;
  }
  return out;
};

/** Fewer bytes than this make no row: three fields of one byte and their ends. */
const LEAST_ROW = 6;

const onScale = (value: number, { lowest, highest, step }: Scale): boolean => {
  if (!(value >= lowest && value <= highest)) return false;
  const steps = step === 0 ? 0 : (value - lowest) / step;
  return Math.abs(steps - Math.round(steps)) < 1e-6;
};
const scaleText = ({ lowest, highest, step }: Scale): string => `${lowest} to ${highest}${step === 0 ? '' : ` in steps of ${step}`}`;

export type LineParser = (bytes: Uint8Array, start: number, end: number, chunk: number) => Parsed;

type Fault = Omit<LineFault, 'line'>;

/** What is wrong with a line whose fields are at `bounds`; undefined if nothing is. Only lines that are not taken at once come here. */
const faultOf = (bytes: Uint8Array, bounds: Int32Array, found: number, form: LineForm): Fault | undefined => {
  const { user, item, rating, scale, skip, declared, fields } = form;
  if (found !== fields) return { expected: `${fields} fields`, found: `${found}` };
  const shown = (field: number): string =>
    JSON.stringify(fieldText(bytes, bounds[2 * field]!, bounds[2 * field + 1]!, 'utf8').slice(0, 60));
  const value = parseDecimal(bytes, bounds[2 * rating]!, bounds[2 * rating + 1]!);
  if (Number.isNaN(value)) return { expected: 'a numeric rating', found: shown(rating) };
  if (value !== skip && scale !== undefined && !onScale(value, scale))
    return { expected: `a rating of ${scaleText(scale)}`, found: `${value}` };
  for (const [kind, field, count] of [['a user', user, declared?.users] as const, ['an item', item, declared?.items] as const]) {
    const word = kind.split(' ')[1];
    if (bounds[2 * field] === bounds[2 * field + 1]) return { expected: `${kind} id`, found: `an empty field (empty ${word})` };
    const id = parseInteger(bytes, bounds[2 * field]!, bounds[2 * field + 1]!);
    if (count !== undefined && !(id >= 0 && id < count)) {
      return { expected: `${kind} id from 0 to ${count - 1}`, found: `${shown(field)} (${word} id overflow)` };
    }
  }
  return undefined;
};

/** Bounds of the fields of a line with quotes, blanks around fields, or a delimiter of several bytes. Returns how many there are. */
const splitLine = (
  bytes: Uint8Array,
  at: number,
  end: number,
  delimiter: Uint8Array,
  bounds: Int32Array,
  { user, item }: LineForm,
): number => {
  const last = end > at && bytes[end - 1] === RETURN ? end - 1 : end;
  const found = splitFields(bytes, at, last, delimiter, bounds);
  for (const field of [user, item]) bounds[2 * field + 1] = undoEscapes(bytes, bounds[2 * field]!, bounds[2 * field + 1]!);
  return found;
};

const lineEnd = (bytes: Uint8Array, at: number, end: number): number => {
  const found = bytes.indexOf(NEWLINE, at);
  return found < 0 || found > end ? end : found;
};

/**
 * Calls `row` for each line of bytes[start, end) that is not empty. It has the bounds of the fields, and returns whether the line is right.
 * Quotes, or blanks at the ends of fields, are for splitFields. All else, which is nearly all, is found with one look at each byte.
 */
const eachLine = (bytes: Uint8Array, start: number, end: number, form: LineForm, bounds: Int32Array, row: (found: number) => boolean) => {
  const delimiter = Buffer.from(form.delimiter);
  const single = delimiter.length === 1 ? delimiter[0]! : -1;
  const { fields } = form;
  let [line, firstBlank, lastFilled, at] = [0, 0, 0, start];
  while (at < end) {
    line++;
    let found = 0;
    let from = at;
    let i = at;
    let plain = single >= 0;
    for (; plain; i++) {
      const byte = i < end ? bytes[i]! : NEWLINE;
      if (byte !== single && byte !== NEWLINE) continue;
      const to = byte === NEWLINE && i > from && bytes[i - 1] === RETURN ? i - 1 : i;
      const first = bytes[from];
      if (from < to && (first === QUOTE || first === SPACE || bytes[to - 1] === SPACE)) plain = false;
      if (found < fields) {
        bounds[2 * found] = from;
        bounds[2 * found + 1] = to;
      }
      found++;
      if (byte === NEWLINE) break;
      from = i + 1;
    }
    if (!plain) {
      i = lineEnd(bytes, at, end);
      found = splitLine(bytes, at, i, delimiter, bounds, form);
    }
    if (i === at || (i === at + 1 && bytes[at] === RETURN)) firstBlank ||= line;
    else {
      lastFilled = line;
      if (firstBlank > 0)
        return { line, firstBlank, lastFilled, fault: { line: firstBlank, expected: `${fields} fields`, found: 'an empty line' } };
      if (!row(found)) return { line, firstBlank, lastFilled, fault: { line, ...faultOf(bytes, bounds, found, form)! } };
    }
    at = i + 1;
  }
  return { line, firstBlank, lastFilled };
};

/** One parser a thread and file. It reads whole lines, and keeps what it has `seen` over all chunks. A returned chunk holds until the next call. */
export const createParser = (form: LineForm, seen: Seen): LineParser => {
  const { user, item, rating, time, scale, skip, declared, fields } = form;
  const [u, i, r, t] = [2 * user, 2 * item, 2 * rating, 2 * (time ?? 0)];
  const hasTime = time !== undefined;
  const bounds = new Int32Array(2 * MAX_FIELDS);
  const gather = valueGatherer(seen.facts);
  const restricted = scale !== undefined || declared !== undefined;
  const { items: table } = seen;
  let rows = emptyChunk(0);

  return (bytes, start, end, chunk) => {
    const most = Math.ceil((end - start) / LEAST_ROW) + 1;
    if (rows.users.length < most) rows = emptyChunk(most);
    const { users, textFrom, textTo, items, values, times } = rows;
    rows.text = bytes;
    let count = 0;
    const row = (found: number): boolean => {
      if (found !== fields) return false;
      const value = parseDecimal(bytes, bounds[r]!, bounds[r + 1]!);
      if (value === skip) return true;
      const from = bounds[u]!;
      const to = bounds[u + 1]!;
      const itemFrom = bounds[i]!;
      const itemTo = bounds[i + 1]!;
      if (Number.isNaN(value) || from === to || itemFrom === itemTo) return false;
      if (restricted && faultOf(bytes, bounds, found, form) !== undefined) return false;
      const id = parseInteger(bytes, from, to);
      users[count] = id;
      if (Number.isNaN(id)) {
        textFrom[count] = from;
        textTo[count] = to;
        seen.textUsers = true;
      }
      const itemId = parseInteger(bytes, itemFrom, itemTo);
      const known = table.size();
      const index = Number.isNaN(itemId) ? table.bytes(bytes, itemFrom, itemTo) : table.integer(itemId);
      if (index >= known) noteItem(seen, index, known, chunk, count);
      items[count] = index;
      gather(value);
      values[count] = value;
      if (hasTime) {
        times[count] = parseDecimal(bytes, bounds[t]!, bounds[t + 1]!);
        noteTime(seen, times[count]!);
      }
      count++;
      return true;
    };
    const { line: lines, ...rest } = eachLine(bytes, start, end, form, bounds, row);
    rows.count = count;
    return { chunk: rows, lines, ...rest };
  };
};
