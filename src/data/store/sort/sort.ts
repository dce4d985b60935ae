import { closeSync, openSync } from 'node:fs';
import { parseInteger } from '../../import/fields.js';
import { type IdTable, idTable } from '../../import/ids.js';
import { type Numbers, numbersOf, orDisk, readAt, writeAt } from '../column-file.js';
import { NUMBER_BYTES, type NumberType } from '../manifest.js';
import { extentLayout, type SpillForm } from '../spill/chunk.js';
import { sortByKey } from './radix.js';

/** Rows of one partition in one spill file. `part`: of a given split. */
export type Extent = {
  readonly file: number;
  readonly at: number;
  readonly rows: number;
  readonly texts: number;
  readonly chunk: number;
  readonly part: number;
};

/** A column that the sorted rows go to. */
export type Target = { readonly path: string; readonly type: NumberType };

export type SortPlan = {
  readonly spills: readonly string[];
  readonly form: SpillForm;
  /** By spill file: dense items by provisional ones. */
  readonly denseItems: readonly Uint32Array[];
  readonly items: number;
  /** Whether users are put in numeric order; else as they came. */
  readonly numeric: boolean;
  /** Ratings by code, if the column `values` has codes. */
  readonly codes: readonly number[] | undefined;
  readonly targets: { readonly items: Target; readonly values: Target; readonly times?: Target; readonly parts?: Target };
};

/** The users of one partition, in its order. */
export type SortedUsers = {
  readonly rows: Uint32Array;
  /** Their ids, if they are integers. */
  readonly integers: Float64Array | null;
  /** If not: ends of the texts, the texts, and where each user came first (chunk · 2³² + row). */
  readonly ends: Uint32Array | null;
  readonly text: Uint8Array | null;
  readonly firstOf: Float64Array | null;
  /** The first user with two ratings of one item. */
  readonly duplicate?: { readonly user: string; readonly item: number };
};

export type Sorter = {
  /** Sorts one partition, and writes its rows from row `base` of the columns on. */
  readonly sort: (extents: readonly Extent[], base: number) => SortedUsers;
  readonly close: () => void;
};

const textsOf = (table: IdTable): { ends: Uint32Array; text: Uint8Array } => {
  const parts = Array.from({ length: table.size() }, (_, user) => {
    const id = table.original(user);
    return typeof id === 'number' ? Buffer.from(String(id)) : id;
  });
  let end = 0;
  return { ends: Uint32Array.from(parts, (part) => (end += part.length)), text: Buffer.concat(parts) };
};

/** Rows of a partition in the order of their users, and the users. */
type Ordered = Omit<SortedUsers, 'duplicate'> & { readonly order: Uint32Array };

const byNumber = (given: Float64Array): Ordered => {
  const { order, keys } = sortByKey(given);
  const rows = new Uint32Array(order.length);
  const integers = new Float64Array(order.length);
  let users = 0;
  for (const key of keys) {
    if (users === 0 || integers[users - 1] !== key) integers[users++] = key;
    rows[users - 1]!++;
  }
  return { order, rows: rows.slice(0, users), integers: integers.slice(0, users), ends: null, text: null, firstOf: null };
};

const byFirst = (users: Float64Array, table: IdTable, firstOf: readonly number[]): Ordered => {
  const rows = new Uint32Array(table.size());
  for (const user of users) rows[user]!++;
  return { order: sortByKey(users).order, rows, integers: null, ...textsOf(table), firstOf: Float64Array.from(firstOf) };
};

const SLOTS = 256;

/** The code of each rating. */
export const codesIn = (values: Float32Array, codes: readonly number[]): Uint8Array => {
  const known = new Map(codes.map((value, code) => [value, code]));
  const found = new Uint8Array(values.length);
  /** Ratings that came before, and their codes, by a slot that halves and fifths do not share. */
  const [seen, codeOf] = [new Float64Array(SLOTS).fill(Number.NaN), new Uint8Array(SLOTS)];
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    const slot = (value * 20) & (SLOTS - 1);
    if (seen[slot] !== value) {
      seen[slot] = value;
      codeOf[slot] = known.get(value)!;
    }
    found[row] = codeOf[slot]!;
  }
  return found;
};

const picked = <T extends Uint32Array | Float32Array | Float64Array | Uint8Array>(column: T, order: Uint32Array): T => {
  const sorted = column.slice() as T;
  for (let at = 0; at < order.length; at++) sorted[at] = column[order[at]!]!;
  return sorted;
};
const itemsPicked = (column: Uint32Array, order: Uint32Array): Uint32Array => {
  const sorted = new Uint32Array(order.length);
  for (let at = 0; at < order.length; at++) sorted[at] = column[order[at]!]!;
  return sorted;
};

/** Numbers as a column of another type: the same numbers, which that type holds. */
const asType = (type: NumberType, numbers: Numbers): Numbers => {
  const as = numbersOf(type, new ArrayBuffer(numbers.length * NUMBER_BYTES[type]));
  as.set(numbers);
  return as;
};

/** `rows` as read; `table` has the users, if they are not sorted by their numbers. */
type Loaded = {
  readonly users: Float64Array;
  readonly table: IdTable;
  readonly firstOf: number[];
  readonly items: Uint32Array;
  readonly values: Float32Array;
  readonly times: Float64Array;
  readonly parts: Uint8Array;
};

type Open = { readonly plan: SortPlan; readonly files: readonly number[]; buffer: ArrayBuffer };

/** User ids of an extent: as numbers, or the indices that a table gives them. */
const loadUsers = (into: Loaded, at: number, buffer: ArrayBuffer, extent: Extent, form: SpillForm, numeric: boolean): void => {
  const { rows, texts, chunk } = extent;
  const { users, table, firstOf } = into;
  const layout = extentLayout(rows, texts, form);
  if (texts === 0) users.set(new Float64Array(buffer, 0, rows), at);
  if (numeric) return;
  const bytes = new Uint8Array(buffer, layout.text, texts);
  const ends = new Uint32Array(buffer, layout.ends, texts === 0 ? 0 : rows);
  const sequence = new Uint32Array(buffer, layout.sequence, rows);
  for (let i = 0, start = 0; i < rows; i++) {
    const end = texts === 0 ? 0 : ends[i]!;
    const id = texts === 0 ? users[at + i]! : parseInteger(bytes, start, end);
    const user = Number.isNaN(id) ? table.bytes(bytes, start, end) : table.integer(id);
    start = end;
    if (user === firstOf.length) firstOf.push(chunk * 2 ** 32 + sequence[i]!);
    users[at + i] = user;
  }
};

/** Rows of a partition in the order of the source. */
const load = (open: Open, extents: readonly Extent[]): Loaded => {
  const { spills, form, denseItems, numeric, targets } = open.plan;
  const count = extents.reduce((sum, { rows }) => sum + rows, 0);
  const loaded: Loaded = {
    ...{ users: new Float64Array(count), table: idTable(undefined, 0), firstOf: [] },
    ...{ items: new Uint32Array(count), values: new Float32Array(count) },
    ...{ times: new Float64Array(targets.times === undefined ? 0 : count), parts: new Uint8Array(targets.parts === undefined ? 0 : count) },
  };
  let at = 0;
  for (const extent of extents) {
    const { file, rows, texts, part } = extent;
    const layout = extentLayout(rows, texts, form);
    if (open.buffer.byteLength < layout.bytes) open.buffer = new ArrayBuffer(2 * layout.bytes);
    const { buffer } = open;
    readAt(spills[file]!, open.files[file]!, new Uint8Array(buffer, 0, layout.bytes), extent.at);
    loadUsers(loaded, at, buffer, extent, form, numeric);
    const items = new Uint32Array(buffer, layout.items, rows);
    const dense = denseItems[file]!;
    for (let i = 0; i < rows; i++) loaded.items[at + i] = dense[items[i]!]!;
    loaded.values.set(new Float32Array(buffer, layout.values, rows), at);
    if (targets.times !== undefined) loaded.times.set(new Float64Array(buffer, layout.times, rows), at);
    loaded.parts.fill(part, at, at + rows);
    at += rows;
  }
  return loaded;
};

/** Finds a user with two ratings of one item. Kept over partitions: users are counted on. */
const duplicateFinder = (items: number) => {
  const lastUser = new Int32Array(items);
  let mark = 0;
  return (rows: Uint32Array, sorted: Uint32Array): { user: number; item: number } | undefined => {
    for (let user = 0, at = 0; user < rows.length; user++) {
      mark++;
      for (const end = at + rows[user]!; at < end; at++) {
        const item = sorted[at]!;
        if (lastUser[item] === mark) return { user, item };
        lastUser[item] = mark;
      }
    }
    return undefined;
  };
};

export const createSorter = (plan: SortPlan): Sorter => {
  const { spills, numeric, codes, targets } = plan;
  const open: Open = { plan, files: spills.map((path) => orDisk(path, () => openSync(path, 'r'))), buffer: new ArrayBuffer(0) };
  const outs = new Map(Object.values(targets).map(({ path }) => [path, orDisk(path, () => openSync(path, 'r+'))]));
  const findDuplicate = duplicateFinder(plan.items);
  const write = ({ path, type }: Target, numbers: Numbers, base: number): void =>
    writeAt(path, outs.get(path)!, asType(type, numbers), base * NUMBER_BYTES[type]);

  return {
    sort: (extents, base) => {
      const { users, table, firstOf, items, values, times, parts } = load(open, extents);
      const { order, ...sorted } = numeric ? byNumber(users) : byFirst(users, table, firstOf);
      const ofUsers = itemsPicked(items, order);
      write(targets.items, ofUsers, base);
      write(targets.values, codes === undefined ? picked(values, order) : picked(codesIn(values, codes), order), base);
      if (targets.times !== undefined) write(targets.times, picked(times, order), base);
      if (targets.parts !== undefined) write(targets.parts, picked(parts, order), base);
      const twice = findDuplicate(sorted.rows, ofUsers);
      if (twice === undefined) return sorted;
      const id = numeric ? sorted.integers![twice.user]! : table.original(twice.user);
      return { ...sorted, duplicate: { user: typeof id === 'number' ? String(id) : Buffer.from(id).toString(), item: twice.item } };
    },
    close: () => {
      for (const file of [...open.files, ...outs.values()]) closeSync(file);
    },
  };
};
