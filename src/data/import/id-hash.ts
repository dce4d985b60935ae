/**
 * Open addressing in typed arrays: a Map ends at 2²⁴ entries, and takes about 100 B each. Here an integer takes 32 to 64 B, and a text
 * 24 to 32 B and its bytes. Slots are a power of two, and at most half are in use. Probing is linear.
 */

const LEAST_SLOTS = 1024;

/** A growing number column. */
type Growing<T extends Float64Array | Int32Array> = { column: T };

const grow = <T extends Float64Array | Int32Array>(kept: Growing<T>, needed: number, make: (length: number) => T): T => {
  if (needed > kept.column.length) {
    const wider = make(Math.max(needed, Math.ceil(1.5 * kept.column.length)));
    wider.set(kept.column);
    kept.column = wider;
  }
  return kept.column;
};

export type IntegerHash = {
  /** The index kept with `id`. If there is none yet, `next()` makes it. */
  readonly index: (id: number, next: () => number) => number;
};

/** Murmur3's finalizer over both halves of a safe integer. */
const mixed = (id: number): number => {
  let h = (id | 0) ^ Math.imul((id * 2 ** -32) | 0, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
};

export const integerHash = (): IntegerHash => {
  let mask = LEAST_SLOTS - 1;
  /** By slot: the integer, and its index + 1, side by side in one cache line; 0 is a free slot. */
  let slots = new Float64Array(2 * LEAST_SLOTS);
  let used = 0;

  const widen = (): void => {
    const old = slots;
    mask = 2 * mask + 1;
    slots = new Float64Array(2 * (mask + 1));
    for (let from = 0; from < old.length; from += 2) {
      if (old[from + 1] === 0) continue;
      let slot = (mixed(old[from]!) & mask) >>> 0;
      while (slots[2 * slot + 1] !== 0) slot = ((slot + 1) & mask) >>> 0;
      slots[2 * slot] = old[from]!;
      slots[2 * slot + 1] = old[from + 1]!;
    }
  };

  return {
    index: (id, next) => {
      let slot = (mixed(id) & mask) >>> 0;
      for (let known = slots[2 * slot + 1]!; known !== 0; known = slots[2 * slot + 1]!) {
        if (slots[2 * slot] === id) return known - 1;
        slot = ((slot + 1) & mask) >>> 0;
      }
      const index = next();
      slots[2 * slot] = id;
      slots[2 * slot + 1] = index + 1;
      used++;
      if (2 * used > mask) widen();
      return index;
    },
  };
};

export type TextHash = {
  /** The index kept with the text bytes[from, to). If there is none yet, `next()` makes it. */
  readonly index: (bytes: Uint8Array, from: number, to: number, next: () => number) => number;
  /** The bytes of the text with this ordinal: the order in which texts came. */
  readonly at: (ordinal: number) => Uint8Array;
};

/** FNV-1a over bytes, then Murmur3's finalizer: FNV alone leaves the low bits of like ids alike. */
export const hashBytes = (bytes: Uint8Array, from: number, to: number): number => {
  let h = 0x811c9dc5;
  for (let at = from; at < to; at++) h = Math.imul(h ^ bytes[at]!, 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};

export const textHash = (): TextHash => {
  let mask = LEAST_SLOTS - 1;
  /** Ordinal + 1; 0 is a free slot. */
  let slots = new Int32Array(LEAST_SLOTS);
  const hashes: Growing<Int32Array> = { column: new Int32Array(LEAST_SLOTS) };
  const indices: Growing<Int32Array> = { column: new Int32Array(LEAST_SLOTS) };
  /** Where each text ends. Text i begins where i − 1 ends. */
  const ends: Growing<Float64Array> = { column: new Float64Array(LEAST_SLOTS) };
  let heap = new Uint8Array(16 * LEAST_SLOTS);
  let count = 0;

  const startOf = (ordinal: number): number => (ordinal === 0 ? 0 : ends.column[ordinal - 1]!);
  const same = (ordinal: number, bytes: Uint8Array, from: number, to: number): boolean => {
    const start = startOf(ordinal);
    if (ends.column[ordinal]! - start !== to - from) return false;
    for (let i = from, j = start; i < to; i++, j++) if (bytes[i] !== heap[j]) return false;
    return true;
  };
  const widen = (): void => {
    mask = 2 * slots.length - 1;
    slots = new Int32Array(mask + 1);
    for (let ordinal = 0; ordinal < count; ordinal++) {
      let slot = (hashes.column[ordinal]! & mask) >>> 0;
      while (slots[slot] !== 0) slot = ((slot + 1) & mask) >>> 0;
      slots[slot] = ordinal + 1;
    }
  };
  const keep = (bytes: Uint8Array, from: number, to: number, hash: number, index: number): void => {
    const start = startOf(count);
    const end = start + to - from;
    if (end > heap.length) {
      const wider = new Uint8Array(Math.max(end, Math.ceil(1.5 * heap.length)));
      wider.set(heap);
      heap = wider;
    }
    heap.set(bytes.subarray(from, to), start);
    grow(ends, count + 1, (length) => new Float64Array(length))[count] = end;
    grow(hashes, count + 1, (length) => new Int32Array(length))[count] = hash;
    grow(indices, count + 1, (length) => new Int32Array(length))[count] = index;
    count++;
  };

  return {
    index: (bytes, from, to, next) => {
      const hash = hashBytes(bytes, from, to);
      let slot = (hash & mask) >>> 0;
      while (slots[slot] !== 0) {
        const ordinal = slots[slot]! - 1;
        if (hashes.column[ordinal] === (hash | 0) && same(ordinal, bytes, from, to)) return indices.column[ordinal]!;
        slot = ((slot + 1) & mask) >>> 0;
      }
      const index = next();
      keep(bytes, from, to, hash, index);
      slots[slot] = count;
      if (2 * count > mask) widen();
      return index;
    },
    at: (ordinal) => heap.subarray(startOf(ordinal), ends.column[ordinal]),
  };
};
