import { closeSync, openSync } from 'node:fs';
import { orDisk, writeAt } from '../column-file.js';
import type { PartitionOf } from './partitions.js';

/** Rows as they were parsed, before they are sorted: the unit in which the import reads, and writes to its spill files. */
export type Chunk = {
  count: number;
  /** The user id if it is an integer, else NaN: then its text is text[textFrom, textTo). */
  readonly users: Float64Array;
  readonly textFrom: Uint32Array;
  readonly textTo: Uint32Array;
  text: Uint8Array;
  /** Provisional indices in the table of the thread that parsed them. */
  readonly items: Uint32Array;
  readonly values: Float32Array;
  /** Seconds since 1970, NaN where unknown. */
  readonly times: Float64Array;
};

export const emptyChunk = (rows: number, text: Uint8Array = new Uint8Array(0)): Chunk => ({
  count: 0,
  users: new Float64Array(rows),
  textFrom: new Uint32Array(rows),
  textTo: new Uint32Array(rows),
  text,
  items: new Uint32Array(rows),
  values: new Float32Array(rows),
  times: new Float64Array(rows),
});

/** What each row of a spill file has. `sequence`: its place in the chunk, which only ids that are not all integers need. */
export type SpillForm = { readonly sequence: boolean; readonly times: boolean };

/** Where the rows of a chunk lie in a spill file, partition by partition, one behind the other. */
export type SpilledChunk = {
  readonly at: number;
  /** Rows by partition. */
  readonly rows: Uint32Array;
  /** Bytes of ids by partition; 0 where all are integers, which are kept as float64. */
  readonly texts: Uint32Array;
};

const toEight = (bytes: number): number => Math.ceil(bytes / 8) * 8;

/**
 * Byte offsets of the columns of one extent: the rows of one partition in one chunk. As float64: user ids if all are integers, times.
 * uint32: items, values (float32), sequence, ends of texts. Then the texts.
 */
export const extentLayout = (rows: number, texts: number, form: SpillForm) => {
  const times = texts === 0 ? 8 * rows : 0;
  const items = times + (form.times ? 8 * rows : 0);
  const values = items + 4 * rows;
  const sequence = values + 4 * rows;
  const ends = sequence + (form.sequence ? 4 * rows : 0);
  const text = ends + (texts === 0 ? 0 : 4 * rows);
  return { users: 0, times, items, values, sequence, ends, text, bytes: toEight(text + texts) };
};

/** The digits of an integer, in `into` from `at` on. Returns how many. */
const writeDigits = (id: number, into: Uint8Array, at: number): number => {
  const digits = String(id);
  for (let i = 0; i < digits.length; i++) into[at + i] = digits.charCodeAt(i);
  return digits.length;
};

const digitsOf = (id: number): number => String(id).length;

export type Spill = { readonly write: (chunk: Chunk) => SpilledChunk; readonly close: () => void };

/** Sorts chunks by partition, and writes each with one call. */
export const createSpill = (path: string, partitions: number, partition: PartitionOf, form: SpillForm): Spill => {
  const file = orDisk(path, () => openSync(path, 'w'));
  let end = 0;
  let buffer = new ArrayBuffer(0);
  const next = new Uint32Array(partitions);

  const write = (chunk: Chunk): SpilledChunk => {
    const { count, users, textFrom, textTo, text, items, values, times } = chunk;
    const rows = new Uint32Array(partitions);
    const texts = new Uint32Array(partitions);
    const of = new Uint16Array(count);
    for (let row = 0; row < count; row++) {
      const id = users[row]!;
      const p = Number.isNaN(id) ? partition.ofText(text, textFrom[row]!, textTo[row]!) : partition.ofInteger(id);
      of[row] = p;
      rows[p]!++;
      if (Number.isNaN(id)) texts[p]! += textTo[row]! - textFrom[row]!;
    }
    if (texts.some((bytes) => bytes > 0)) {
      for (let row = 0; row < count; row++) {
        if (!Number.isNaN(users[row]!) && texts[of[row]!]! > 0) texts[of[row]!]! += digitsOf(users[row]!);
      }
    }
    const layouts = Array.from(rows, (n, p) => extentLayout(n, texts[p]!, form));
    const starts: number[] = [];
    let bytes = 0;
    for (const layout of layouts) {
      starts.push(bytes);
      bytes += layout.bytes;
    }
    if (buffer.byteLength < bytes) buffer = new ArrayBuffer(Math.ceil((1.25 * bytes) / 8) * 8);
    const [f64, u32, f32, u8] = [new Float64Array(buffer), new Uint32Array(buffer), new Float32Array(buffer), new Uint8Array(buffer)];
    const at = (name: keyof (typeof layouts)[0], size: number) =>
      Uint32Array.from(layouts, (layout, p) => (starts[p]! + layout[name]) / size);
    const [userAt, timeAt, itemAt, valueAt, sequenceAt, endAt, textAt] = [
      ...[at('users', 8), at('times', 8), at('items', 4), at('values', 4)],
      ...[at('sequence', 4), at('ends', 4), at('text', 1)],
    ] as [Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array];
    next.fill(0);
    const written = new Uint32Array(partitions);
    for (let row = 0; row < count; row++) {
      const p = of[row]!;
      const i = next[p]!++;
      u32[itemAt[p]! + i] = items[row]!;
      f32[valueAt[p]! + i] = values[row]!;
      if (form.times) f64[timeAt[p]! + i] = times[row]!;
      if (form.sequence) u32[sequenceAt[p]! + i] = row;
      const id = users[row]!;
      if (texts[p] === 0) f64[userAt[p]! + i] = id;
      else {
        const start = textAt[p]! + written[p]!;
        const [from, to] = [textFrom[row]!, textTo[row]!];
        if (Number.isNaN(id)) for (let k = from; k < to; k++) u8[start + k - from] = text[k]!;
        written[p]! += Number.isNaN(id) ? to - from : writeDigits(id, u8, start);
        u32[endAt[p]! + i] = written[p]!;
      }
    }
    writeAt(path, file, new Uint8Array(buffer, 0, bytes), end);
    const spilled = { at: end, rows, texts };
    end += bytes;
    return spilled;
  };
  return { write, close: () => closeSync(file) };
};
