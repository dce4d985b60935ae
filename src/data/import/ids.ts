/**
 * Original ids ↔ dense 0 … n−1. Ids are handed out in first-seen order while a file is read. At the end they are
 * renumbered in numeric order if every id is an integer. So data whose ids are dense already keep them.
 */
export type IdTable = {
  /** Provisional (first-seen) index of an id that is a canonical integer: no leading zeros, |id| ≤ 999,999,999,999,999. */
  readonly integer: (id: number) => number;
  /** Provisional index of any other id. */
  readonly text: (id: string) => number;
  readonly size: () => number;
  readonly finish: () => IdMap;
};

export type IdMap = {
  /** Original ids by dense id. */
  readonly ids: readonly string[];
  /** Dense id by provisional index. */
  readonly dense: Uint32Array;
};

/** Integers below this are looked up in an array (4 B each, grown as needed), not in a Map: 5 times as fast. */
const DIRECT = 2 ** 24;

/** More distinct ids than a Map holds (2²⁴); below the 2³¹−1 that a dense id could count. */
const MAX_IDS = 2 ** 24 - 1;

/** @throws RangeError (from integer, text) when there are more than `limit` distinct ids. */
export const idTable = (limit = MAX_IDS): IdTable => {
  const originals: (number | string)[] = [];
  let direct = new Int32Array(1024); // provisional index + 1; 0 = not seen
  const integers = new Map<number, number>();
  const texts = new Map<string, number>();

  const add = (id: number | string): number => {
    if (originals.length >= limit) throw new RangeError(`more than ${limit} distinct ids`);
    return originals.push(id) - 1;
  };

  const integer = (id: number): number => {
    if (id >= 0 && id < DIRECT) {
      if (id >= direct.length) {
        const grown = new Int32Array(Math.min(DIRECT, Math.max(id + 1, direct.length * 2)));
        grown.set(direct);
        direct = grown;
      }
      const seen = direct[id]!;
      if (seen > 0) return seen - 1;
      const index = add(id);
      direct[id] = index + 1;
      return index;
    }
    let index = integers.get(id);
    if (index === undefined) {
      index = add(id);
      integers.set(id, index);
    }
    return index;
  };

  const text = (id: string): number => {
    let index = texts.get(id);
    if (index === undefined) {
      index = add(id);
      texts.set(id, index);
    }
    return index;
  };

  const finish = (): IdMap => {
    const dense = Uint32Array.from(originals.keys());
    if (texts.size > 0) return { ids: originals.map(String), dense };
    const numbers = Float64Array.from(originals as number[]);
    const order = Uint32Array.from(originals.keys()).sort((a, b) => numbers[a]! - numbers[b]!);
    order.forEach((provisional, rank) => {
      dense[provisional] = rank;
    });
    return { ids: Array.from(order, (provisional) => String(numbers[provisional])), dense };
  };

  return { integer, text, size: () => originals.length, finish };
};

/** The map of a source that declares its ids to be 0 … count−1 already, whether or not all of them occur. */
export const declaredIds = (table: IdTable, count: number): IdMap => {
  const seen = table.finish();
  return {
    ids: Array.from({ length: count }, (_, id) => String(id)),
    dense: seen.dense.map((rank) => Number(seen.ids[rank])),
  };
};
