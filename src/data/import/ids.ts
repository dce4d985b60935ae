import { integerHash, textHash } from './id-hash.js';

/**
 * Original ids ↔ dense 0 … n−1. Ids are handed out in first-seen order while a file is read. At the end they are
 * renumbered in numeric order if every id is an integer. So data whose ids are dense already keep them.
 */
export type IdTable = {
  /** Provisional (first-seen) index of an id that is a canonical integer: no leading zeros, |id| ≤ 999,999,999,999,999. */
  readonly integer: (id: number) => number;
  /** Provisional index of any other id. */
  readonly text: (id: string) => number;
  /** As `text`, of an id in UTF-8. */
  readonly bytes: (bytes: Uint8Array, from: number, to: number) => number;
  readonly size: () => number;
  /** Whether an id is not an integer. */
  readonly hasText: () => boolean;
  /** The id at a provisional index: its number, or the UTF-8 of its text. */
  readonly original: (index: number) => number | Uint8Array;
  /** All ids as numbers, by provisional index; those that are texts are of no use. */
  readonly numbers: () => Float64Array;
  readonly finish: () => IdMap;
};

export type IdMap = {
  /** Original ids by dense id. */
  readonly ids: readonly string[];
  /** Dense id by provisional index. */
  readonly dense: Uint32Array;
};

/** Integers below this are looked up in an array (4 B each, grown as needed), not in a hash table. A larger array would be slower than the table. */
const DIRECT = 2 ** 20;

/** As many as a dense id counts. */
const MAX_IDS = 2 ** 31 - 1;

const grown = <T extends Float64Array | Int32Array | Uint8Array>(column: T, wider: T): T => {
  wider.set(column);
  return wider;
};

/**
 * `direct`: integers below this are looked up in an array.
 * @throws RangeError (from integer, text, bytes) when there are more than `limit` distinct ids, or an id has half of a surrogate pair.
 */
export const idTable = (limit = MAX_IDS, direct = DIRECT): IdTable => {
  /** By provisional index: the integer, or −1 − the ordinal of the text, where `isText` says so. */
  let values = new Float64Array(1024);
  let firstText = Number.POSITIVE_INFINITY;
  let isText = new Uint8Array(0);
  let seen = new Int32Array(Math.min(direct, 1024)); // provisional index + 1; 0 = not seen
  let count = 0;
  let texts = 0;
  let newest = 0;
  const integers = integerHash();
  const strings = textHash();

  const add = (value: number): number => {
    if (count >= limit) throw new RangeError(`more than ${limit} distinct ids`);
    if (count === values.length) values = grown(values, new Float64Array(Math.ceil(1.5 * values.length)));
    values[count] = value;
    return count++;
  };
  const addNewest = (): number => add(newest);
  const addText = (): number => {
    const index = add(texts++);
    if (index >= isText.length) isText = grown(isText, new Uint8Array(Math.max(values.length, index + 1)));
    isText[index] = 1;
    if (index < firstText) firstText = index;
    return index;
  };
  const textAt = (index: number): boolean => index >= firstText && isText[index] === 1;

  const integer = (id: number): number => {
    if (id >= 0 && id < direct) {
      if (id >= seen.length) {
        seen = grown(seen, new Int32Array(Math.min(direct, Math.max(id + 1, seen.length * 2))));
      }
      const known = seen[id]!;
      if (known > 0) return known - 1;
      const index = add(id);
      seen[id] = index + 1;
      return index;
    }
    newest = id;
    return integers.index(id, addNewest);
  };
  const bytes = (from: Uint8Array, start: number, end: number): number => strings.index(from, start, end, addText);
  const original = (index: number): number | Uint8Array => (textAt(index) ? strings.at(values[index]!) : values[index]!);
  const name = (index: number): string => {
    const id = original(index);
    return typeof id === 'number' ? String(id) : Buffer.from(id.buffer, id.byteOffset, id.length).toString();
  };

  return {
    integer,
    bytes,
    text: (id) => {
      // UTF-8 has no halves of pairs: different ids would become one.
      if (/\p{Surrogate}/u.test(id)) throw new RangeError(`an id with half of a surrogate pair (${JSON.stringify(id.slice(0, 60))})`);
      const utf8 = Buffer.from(id);
      return bytes(utf8, 0, utf8.length);
    },
    size: () => count,
    hasText: () => texts > 0,
    original,
    numbers: () => values.subarray(0, count),
    finish: () => {
      const dense = new Uint32Array(count);
      if (texts > 0) return { ids: Array.from({ length: count }, (_, index) => name(index)), dense: dense.map((_, index) => index) };
      // Sorting numbers and looking them up again is ten times as fast as sorting indices by a function.
      const sorted = values.slice(0, count).sort();
      for (let rank = 0; rank < count; rank++) dense[integer(sorted[rank]!)] = rank;
      return { ids: Array.from(sorted, String), dense };
    },
  };
};

/** The map of a source that declares its ids to be 0 … count−1 already, whether or not all of them occur. */
export const declaredIds = (table: IdTable, count: number): IdMap => {
  const seen = table.finish();
  return {
    ids: Array.from({ length: count }, (_, id) => String(id)),
    dense: seen.dense.map((rank) => Number(seen.ids[rank])),
  };
};
