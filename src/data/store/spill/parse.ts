import { secondsOfNumber } from '../../formats/time.js';
import { MAX_FIELDS, parseDecimal, parseInteger } from '../../import/fields.js';
import { type IdTable, idTable } from '../../import/ids.js';
import { type ValueCounts, type ValuePolicy, valueFilter } from '../../policies/values.js';
import { type Chunk, emptyChunk } from './chunk.js';
import { addValue, noFacts, type ValueFacts } from './value-facts.js';

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
  readonly counts: ValueCounts;
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
  counts: { unrated: 0, clipped: 0, below: 0 },
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

/** Whether a time is a number of a u32 column. */
export const isWhole = (time: number): boolean => Number.isInteger(time) && time >= 0 && time < 2 ** 32;
export const noteTime = (seen: Seen, time: number): void => {
  if (seen.wholeTimes && !isWhole(time)) seen.wholeTimes = false;
  if (!seen.anyTime && !Number.isNaN(time)) seen.anyTime = true;
};

const NEWLINE = 10;
const RETURN = 13;
const QUOTE = 34;
const SPACE = 32;
const POINT = 46;

/** Fewer bytes than this make no row: three fields of one byte and their ends. */
const LEAST_ROW = 6;

/**
 * Bounds of the fields of the line at `at`, as [from, to) each. Returns where the line ends, or −1 if it is not plain.
 * It is not if it is empty or has another number of fields, or if a field has quotes, or blanks at its ends. One look at each byte.
 */
const splitPlain = (bytes: Uint8Array, at: number, end: number, delimiter: number, fields: number, bounds: Int32Array): number => {
  let found = 0;
  let from = at;
  for (let i = at; ; i++) {
    const byte = i < end ? bytes[i]! : NEWLINE;
    if (byte !== delimiter && byte !== NEWLINE) continue;
    const to = byte === NEWLINE && i > from && bytes[i - 1] === RETURN ? i - 1 : i;
    if (from < to) {
      const first = bytes[from]!;
      if (first === QUOTE || first <= SPACE || bytes[to - 1]! <= SPACE) return -1;
    }
    if (found === fields) return -1;
    bounds[2 * found] = from;
    bounds[2 * found + 1] = to;
    found++;
    if (byte === NEWLINE) return found === fields ? i : -1;
    from = i + 1;
  }
};

const ZERO = 48;

/** `parseInteger`, for what nearly all ids are: up to 15 digits. */
const quickInteger = (bytes: Uint8Array, from: number, to: number): number => {
  if (to - from > 15 || (bytes[from] === ZERO && to - from > 1)) return parseInteger(bytes, from, to);
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) return parseInteger(bytes, from, to);
    value = value * 10 + digit;
  }
  return from === to ? Number.NaN : value;
};

/** `parseDecimal`, for what nearly all ratings are: `4` or `4.5`. */
const quickDecimal = (bytes: Uint8Array, from: number, to: number): number => {
  const first = bytes[from]! - ZERO;
  if (first >= 0 && first <= 9) {
    if (to - from === 1) return first;
    const last = bytes[from + 2]! - ZERO;
    if (to - from === 3 && bytes[from + 1] === POINT && last >= 0 && last <= 9) return (first * 10 + last) / 10;
  }
  return parseDecimal(bytes, from, to);
};

const COUNTED = ['unrated', 'clipped', 'below'] as const;

/** Asks the policy what a rating becomes, and notes what it is like, but once for each of the ratings that occur again and again. */
const valueTaker = ({ policy, unrated }: LineForm, { facts, counts }: Seen): ((value: number) => number) => {
  const fail = (): Error => new RangeError('off the scale');
  const filter = valueFilter(policy, unrated, counts, fail);
  const values = new Float64Array(256).fill(Number.NaN);
  const kept = new Float64Array(256);
  /** Which count the policy added to, as 1 + the index in COUNTED; 0: none. */
  const counted = new Uint8Array(256);
  return (value) => {
    const slot = (value * 20) & 255;
    if (values[slot] === value) {
      if (counted[slot]! > 0) counts[COUNTED[counted[slot]! - 1]!]++;
      return kept[slot]!;
    }
    const before = COUNTED.map((name) => counts[name]);
    const taken = filter(value, 0);
    if (!Number.isNaN(taken)) addValue(facts, taken);
    values[slot] = value;
    kept[slot] = taken;
    counted[slot] = 1 + COUNTED.findIndex((name, at) => counts[name] > before[at]!);
    return taken;
  };
};

/**
 * Parses the lines of bytes[start, end). A returned chunk holds until the next call.
 * Undefined: a line is not plain, or is wrong. Then the reader of all formats takes the file, and says what is wrong.
 */
export type LineParser = (bytes: Uint8Array, start: number, end: number, chunk: number) => Chunk | undefined;

/** Items by their numbers. In a loop of its own, look-ups that miss the cache wait for memory together, and not one after the other. */
const numberItems = (seen: Seen, { items }: Chunk, numbers: Float64Array, count: number, chunk: number): void => {
  const { items: table } = seen;
  let known = table.size();
  for (let row = 0; row < count; row++) {
    const id = numbers[row]!;
    if (Number.isNaN(id)) continue;
    const index = table.integer(id);
    items[row] = index;
    if (index < known) continue;
    noteItem(seen, index, known, chunk, row);
    known++;
  }
};

/** One parser a thread and file. It keeps what it has `seen` over all chunks. */
export const createParser = (form: LineForm, seen: Seen): LineParser => {
  const { delimiter, fields, time, declared } = form;
  const [u, i, r, t] = [2 * form.user, 2 * form.item, 2 * form.rating, 2 * Math.max(0, time)];
  const bounds = new Int32Array(2 * MAX_FIELDS);
  const take = valueTaker(form, seen);
  const { items: table } = seen;
  const { users: mostUser = Number.POSITIVE_INFINITY, items: mostItem = Number.POSITIVE_INFINITY } = declared;
  const bounded = declared.users !== undefined || declared.items !== undefined;
  const fits = (user: number, item: number): boolean =>
    (declared.users === undefined || (user >= 0 && user < mostUser)) && (declared.items === undefined || (item >= 0 && item < mostItem));

  let itemIds = new Float64Array(0);

  /** Fills `rows`, and returns how many they are; −1: a line is not plain, or is wrong. */
  const parse = (bytes: Uint8Array, start: number, end: number, chunk: number, rows: Chunk): number => {
    const { users, textFrom, textTo, items, values, times } = rows;
    if (itemIds.length < users.length) itemIds = new Float64Array(users.length);
    const numbers = itemIds;
    let count = 0;
    for (let at = start; at < end; ) {
      const stop = splitPlain(bytes, at, end, delimiter, fields, bounds);
      if (stop < 0) return -1;
      at = stop + 1;
      const given = quickDecimal(bytes, bounds[r]!, bounds[r + 1]!);
      const from = bounds[u]!;
      const to = bounds[u + 1]!;
      const itemFrom = bounds[i]!;
      const itemTo = bounds[i + 1]!;
      if (Number.isNaN(given) || from === to || itemFrom === itemTo) return -1;
      const value = take(given);
      if (Number.isNaN(value)) continue;
      const user = quickInteger(bytes, from, to);
      users[count] = user;
      if (Number.isNaN(user)) {
        textFrom[count] = from;
        textTo[count] = to;
        seen.textUsers = true;
      }
      const item = quickInteger(bytes, itemFrom, itemTo);
      if (bounded && !fits(user, item)) return -1;
      numbers[count] = item;
      if (Number.isNaN(item)) {
        const known = table.size();
        items[count] = table.bytes(bytes, itemFrom, itemTo);
        noteItem(seen, items[count]!, known, chunk, count);
      }
      values[count] = value;
      if (time >= 0) {
        const seconds = secondsOfNumber(parseDecimal(bytes, bounds[t]!, bounds[t + 1]!));
        if (Number.isNaN(seconds)) return -1;
        times[count] = seconds;
        noteTime(seen, seconds);
      }
      count++;
    }
    numberItems(seen, rows, numbers, count, chunk);
    return count;
  };

  let rows = emptyChunk(0);
  return (bytes, start, end, chunk) => {
    const most = Math.ceil((end - start) / LEAST_ROW) + 1;
    if (rows.users.length < most) rows = emptyChunk(most);
    rows.text = bytes;
    try {
      rows.count = parse(bytes, start, end, chunk, rows);
    } catch (error) {
      // Of the policy, or of the table of items: the reader of all formats says where.
      if (error instanceof RangeError) return undefined;
      throw error;
    }
    return rows.count < 0 ? undefined : rows;
  };
};
