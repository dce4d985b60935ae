import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';
import type { ValueCounts } from '../../policies/values.js';
import { hashBlocks, orDisk } from '../column-file.js';
import { createSorter, type Extent, type SortedUsers, type Sorter, type SortPlan } from '../sort/sort.js';
import { createSpill, type Spill, type SpilledChunk, type SpillForm } from './chunk.js';
import { createParser, type LineForm, type LineParser, nothingSeen, type Seen } from './parse.js';
import { type Partitioning, partitionOf } from './partitions.js';
import type { ValueFacts } from './value-facts.js';

/** Bytes [from, to) of a file. A chunk has the lines that begin in them. */
export type ChunkRange = {
  readonly chunk: number;
  readonly file: number;
  readonly path: string;
  readonly from: number;
  readonly to: number;
};

/** `plain`: whether the parser took all lines. */
export type ParsedChunk = { readonly spilled?: SpilledChunk; readonly rows: number; readonly plain: boolean };

/** Items as one thread has met them, by provisional index: numbers, or NaN and a text. */
export type SeenItems = {
  readonly numbers: Float64Array;
  readonly ends: Float64Array | null;
  readonly text: Uint8Array | null;
  readonly firstOf: Float64Array;
};

export type SeenByThread = {
  readonly items: SeenItems;
  readonly facts: ValueFacts;
  readonly counts: ValueCounts;
  readonly wholeTimes: boolean;
  readonly anyTime: boolean;
  readonly textUsers: boolean;
};

/** What a thread of an import does, one call at a time. */
export type ImportThread = {
  open: (setup: {
    readonly forms: readonly LineForm[];
    readonly spill: string;
    readonly partitioning: Partitioning;
    readonly spillForm: SpillForm;
  }) => void;
  parse: (range: ChunkRange) => ParsedChunk;
  seen: () => SeenByThread;
  plan: (plan: SortPlan) => void;
  sort: (task: { readonly extents: readonly Extent[]; readonly base: number }) => SortedUsers;
  hash: (task: { readonly path: string; readonly first: number; readonly end: number; readonly bytes: number }) => string[];
  close: () => void;
};

const NEWLINE = 10;
/** The longest line. */
const MOST_LINE = 1 << 20;

/** Bytes of a byte-order mark at the start of a file. */
export const bomOf = (bytes: Uint8Array): number => (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0);

/** Reads the lines that begin in a range. The buffer is kept for the next call. */
const createLineReader = () => {
  let buffer = Buffer.alloc(0);
  let held: { path: string; file: number } | undefined;
  const close = (): void => {
    if (held !== undefined) closeSync(held.file);
    held = undefined;
  };
  const read = ({ path, from, to }: ChunkRange): { bytes: Buffer; start: number; end: number; tooLong: boolean } => {
    if (held?.path !== path) {
      close();
      held = { path, file: orDisk(path, () => openSync(path, 'r')) };
    }
    const { file } = held;
    // One byte before tells whether a line begins at `from`.
    const first = Math.max(0, from - 1);
    const wanted = to - first + MOST_LINE;
    if (buffer.length < wanted) buffer = Buffer.allocUnsafeSlow(wanted);
    let filled = orDisk(path, () => readSync(file, buffer, 0, Math.min(wanted, to - first + 4096), first));
    let end = buffer.subarray(0, filled).indexOf(NEWLINE, to - first - 1);
    if (end < 0 && filled >= to - first + 4096) {
      filled += orDisk(path, () => readSync(file, buffer, filled, wanted - filled, first + filled));
      end = buffer.subarray(0, filled).indexOf(NEWLINE, to - first - 1);
    }
    const tooLong = end < 0 && filled === wanted;
    if (end < 0) end = filled;
    const begin = from === 0 ? bomOf(buffer) : buffer.subarray(0, filled).indexOf(NEWLINE) + 1;
    return { bytes: buffer, start: from > 0 && begin === 0 ? end : begin, end, tooLong };
  };
  return { read, close };
};

const itemsOf = ({ items, firstOf }: Seen): SeenItems => {
  const count = items.size();
  if (!items.hasText()) return { numbers: items.numbers().slice(), ends: null, text: null, firstOf: firstOf.slice(0, count) };
  const numbers = new Float64Array(count).fill(Number.NaN);
  const ends = new Float64Array(count);
  const texts: Uint8Array[] = [];
  for (let index = 0, end = 0; index < count; index++) {
    const id = items.original(index);
    if (typeof id === 'number') numbers[index] = id;
    else {
      texts.push(id);
      end += id.length;
    }
    ends[index] = end;
  }
  return { numbers, ends, text: Buffer.concat(texts), firstOf: firstOf.slice(0, count) };
};

export const seenByThread = (seen: Seen): SeenByThread => {
  const { facts, counts, wholeTimes, anyTime, textUsers } = seen;
  return { items: itemsOf(seen), facts, counts, wholeTimes, anyTime, textUsers };
};

export const createImportThread = (): ImportThread => {
  const reader = createLineReader();
  let seen = nothingSeen();
  let parsers: LineParser[] = [];
  let spill: Spill | undefined;
  let sorter: Sorter | undefined;

  return {
    open: ({ forms, spill: path, partitioning, spillForm }) => {
      seen = nothingSeen();
      parsers = forms.map((form) => createParser(form, seen));
      spill = createSpill(path, partitioning.count, partitionOf(partitioning), spillForm);
    },
    parse: (range) => {
      const { bytes, start, end, tooLong } = reader.read(range);
      const chunk = tooLong || !isUtf8(bytes.subarray(start, end)) ? undefined : parsers[range.file]!(bytes, start, end, range.chunk);
      if (chunk === undefined) return { plain: false, rows: 0 };
      if (chunk.count === 0) return { plain: true, rows: 0 };
      return { plain: true, rows: chunk.count, spilled: spill!.write(chunk) };
    },
    seen: () => {
      spill?.close();
      const found = seenByThread(seen);
      // The table of items is no longer needed, and may be large.
      seen = nothingSeen();
      parsers = [];
      reader.close();
      return found;
    },
    plan: (plan) => {
      sorter = createSorter(plan);
    },
    sort: ({ extents, base }) => sorter!.sort(extents, base),
    hash: ({ path, first, end, bytes }) => hashBlocks(path, first, end, bytes),
    close: () => {
      sorter?.close();
      reader.close();
    },
  };
};
