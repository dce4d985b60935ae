import { secondsOfNumber } from '../formats/time.js';
import { MAX_FIELDS, parseDecimal, parseInteger } from '../import/fields.js';
import { type IdTable, idTable } from '../import/ids.js';
import { type ValuePolicy, valueFilter } from '../policies/values.js';
import { type Chunk, emptyChunk } from './chunk.js';
import { noFacts, type ValueFacts, valueGatherer } from './value-facts.js';

/** How the lines of a plain file are parsed: what the reader has found out from the first of them. Fields are numbered from 0. */
export type LineForm = {
  /** One byte. */
  readonly delimiter: number;
  readonly fields: number;
  readonly user: number;
  readonly item: number;
  readonly rating: number;
  /** −1: there is none. */
  readonly time: number;
  readonly policy: ValuePolicy;
  readonly unrated: readonly number[];
  readonly declared: { readonly users?: number; readonly items?: number };
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

const [NEWLINE, RETURN, QUOTE, SPACE] = [10, 13, 34, 32];

/** Fewer bytes than this make no row: three fields of one byte and their ends. */
const LEAST_ROW = 6;

/**
 * Calls `row` for each line of bytes[start, end), with the bounds of its fields. Returns whether all lines are plain: none is empty, and no field
 * has quotes, or blanks at its ends. One look at each byte.
 */
const eachLine = (bytes: Uint8Array, start: number, end: number, form: LineForm, bounds: Int32Array, row: () => boolean): boolean => {
  const { delimiter, fields } = form;
  for (let at = start; at < end; ) {
    let found = 0;
    let from = at;
    let i = at;
    for (; ; i++) {
      const byte = i < end ? bytes[i]! : NEWLINE;
      if (byte !== delimiter && byte !== NEWLINE) continue;
      const to = byte === NEWLINE && i > from && bytes[i - 1] === RETURN ? i - 1 : i;
      const first = bytes[from]!;
      if (from < to && (first === QUOTE || first <= SPACE || bytes[to - 1]! <= SPACE)) return false;
      if (found < fields) {
        bounds[2 * found] = from;
        bounds[2 * found + 1] = to;
      }
      found++;
      if (byte === NEWLINE) break;
      from = i + 1;
    }
    if (found !== fields || !row()) return false;
    at = i + 1;
  }
  return true;
};

/** A rating's first occurrence asks the policy. What it says of a value holds for all others like it, which the cache answers. */
const cachedFilter = ({ policy, unrated }: LineForm): ((value: number) => number) => {
  const fail = (): Error => new RangeError('off the scale');
  const filter = valueFilter(policy, unrated, { unrated: 0, clipped: 0, below: 0 }, fail);
  const values = new Float64Array(256).fill(Number.NaN);
  const kept = new Float64Array(256);
  return (value) => {
    const slot = (value * 20) & 255;
    if (values[slot] !== value) {
      kept[slot] = filter(value, 0);
      values[slot] = value;
    }
    return kept[slot]!;
  };
};

/**
 * Parses the lines of bytes[start, end). A returned chunk holds until the next call.
 * Undefined: a line is not plain, or is wrong. Then the reader of all formats takes the file, and says what is wrong.
 */
export type LineParser = (bytes: Uint8Array, start: number, end: number, chunk: number) => Chunk | undefined;

/** One parser a thread and file. It keeps what it has `seen` over all chunks. */
export const createParser = (form: LineForm, seen: Seen): LineParser => {
  const { user, item, rating, time, declared } = form;
  const bounds = new Int32Array(2 * MAX_FIELDS);
  const gather = valueGatherer(seen.facts);
  const filter = cachedFilter(form);
  const mostUser = declared.users ?? Number.POSITIVE_INFINITY;
  const mostItem = declared.items ?? Number.POSITIVE_INFINITY;
  const { items: table } = seen;
  let rows = emptyChunk(0);

  return (bytes, start, end, chunk) => {
    const most = Math.ceil((end - start) / LEAST_ROW) + 1;
    if (rows.users.length < most) rows = emptyChunk(most);
    const { users, textFrom, textTo, items, values, times } = rows;
    rows.text = bytes;
    let count = 0;
    const row = (): boolean => {
      const given = parseDecimal(bytes, bounds[2 * rating]!, bounds[2 * rating + 1]!);
      if (Number.isNaN(given)) return false;
      const value = filter(given);
      if (Number.isNaN(value)) return true;
      const from = bounds[2 * user]!;
      const to = bounds[2 * user + 1]!;
      const itemFrom = bounds[2 * item]!;
      const itemTo = bounds[2 * item + 1]!;
      if (from === to || itemFrom === itemTo) return false;
      const id = parseInteger(bytes, from, to);
      users[count] = id;
      if (Number.isNaN(id)) {
        textFrom[count] = from;
        textTo[count] = to;
        seen.textUsers = true;
      }
      if (declared.users !== undefined && !(id >= 0 && id < mostUser)) return false;
      const itemId = parseInteger(bytes, itemFrom, itemTo);
      if (declared.items !== undefined && !(itemId >= 0 && itemId < mostItem)) return false;
      const known = table.size();
      const index = Number.isNaN(itemId) ? table.bytes(bytes, itemFrom, itemTo) : table.integer(itemId);
      if (index >= known) noteItem(seen, index, known, chunk, count);
      items[count] = index;
      gather(value);
      values[count] = value;
      if (time >= 0) {
        const stamp = parseDecimal(bytes, bounds[2 * time]!, bounds[2 * time + 1]!);
        if (Number.isNaN(stamp)) return false;
        times[count] = secondsOfNumber(stamp);
        noteTime(seen, times[count]!);
      }
      count++;
      return true;
    };
    let plain: boolean;
    try {
      plain = eachLine(bytes, start, end, form, bounds, row);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
    rows.count = count;
    return plain ? rows : undefined;
  };
};
