import { badInput } from '../../../base/errors.js';
import { type IdTable, idTable } from '../../import/ids.js';
import type { SeenItems } from '../spill/import-thread.js';

/** Items of all threads under one numbering, as ids.ts gives it: in numeric order, or as they came. */
export type MergedItems = {
  readonly count: number;
  /** By thread: dense items by the thread's provisional ones. */
  readonly dense: readonly Uint32Array[];
  readonly ids: { readonly table: IdTable /** Index in the table by dense item. */; readonly order: Uint32Array } | null;
};

const eachItem = (seen: SeenItems, table: IdTable, take: (item: number, index: number) => void): void => {
  const { numbers, ends, text } = seen;
  for (let item = 0; item < numbers.length; item++) {
    const number = numbers[item]!;
    take(item, Number.isNaN(number) ? table.bytes(text!, item === 0 ? 0 : ends![item - 1]!, ends![item]!) : table.integer(number));
  }
};

const shared = (length: number): Uint32Array => new Uint32Array(new SharedArrayBuffer(4 * length));

/** `declared`: items are 0 … declared − 1 already. */
export const mergeItems = (threads: readonly SeenItems[], declared: number | undefined): MergedItems => {
  if (declared !== undefined) {
    const dense = threads.map(({ numbers }) => {
      const map = shared(numbers.length);
      map.set(numbers);
      return map;
    });
    return { count: declared, dense, ids: null };
  }
  const table = idTable();
  const indices = threads.map((seen) => {
    const map = shared(seen.numbers.length);
    eachItem(seen, table, (item, index) => {
      map[item] = index;
    });
    return map;
  });
  const count = table.size();
  const keys = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  if (table.hasText()) {
    for (const [thread, { firstOf }] of threads.entries()) {
      for (const [item, first] of firstOf.entries()) {
        const index = indices[thread]![item]!;
        keys[index] = Math.min(keys[index]!, first);
      }
    }
  } else keys.set(table.numbers());
  const order = orderOf(keys);
  const rank = new Uint32Array(count);
  for (let at = 0; at < count; at++) rank[order[at]!] = at;
  for (const map of indices) for (let item = 0; item < map.length; item++) map[item] = rank[map[item]!]!;
  return { count, dense: indices, ids: { table, order } };
};

/** Indices in the order of their keys, which all differ. Keys are sorted and looked up again: ten times as fast as a comparison in JavaScript. */
const orderOf = (keys: Float64Array): Uint32Array => {
  const places = idTable(undefined, 0);
  for (const key of keys) places.integer(key);
  return Uint32Array.from(keys.slice().sort(), (key) => places.integer(key));
};

/** More ratings than a row number counts cannot be held. */
export const checkRows = (place: string, rows: number): void => {
  if (rows === 0) throw badInput('DATA', place, 'at least one rating', 'none');
  if (rows >= 2 ** 32) throw badInput('DATA', place, `fewer than ${2 ** 32} ratings`, `${rows}`);
};
