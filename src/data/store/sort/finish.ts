import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { IdTable } from '../../import/ids.js';
import { type ColumnWriter, columnWriter, numbersOf, orDisk, readAt } from '../column-file.js';
import { type ColumnEntry, type Manifest, NUMBER_BYTES, type NumberType } from '../manifest.js';
import type { SortedUsers } from './sort.js';
import type { UserOrder } from './user-order.js';

/** A column that is written, and not yet hashed. */
export type Written = Omit<ColumnEntry, 'blocks'>;

/** Writes a column of numbers of any type, one at a time. */
export const numberWriter = (folder: string, name: string, type: NumberType): { add: (value: number) => void; close: () => Written } => {
  const file = `${name}.${type}`;
  const writer = columnWriter(join(folder, file));
  const held = numbersOf(type, new ArrayBuffer(1 << 16));
  let count = 0;
  let length = 0;
  const flush = (): void => {
    writer.write(held.subarray(0, count));
    length += count;
    count = 0;
  };
  return {
    add: (value) => {
      held[count++] = value;
      if (count === held.length) flush();
    },
    close: () => {
      flush();
      writer.close();
      return { file, type, length };
    },
  };
};

export type IdsWritten = { readonly kind: Manifest['userIds']; readonly columns: Record<string, Written> };

/** Writes ids in their dense order: integers as one column, else the ends of texts and their UTF-8. `numeric`: all are integers. */
export const idWriter = (folder: string, name: string, numeric: boolean, highest: number) => {
  if (numeric) {
    const column = numberWriter(folder, name, highest < 2 ** 32 ? 'u32' : 'f64');
    return {
      add: (id: number | Uint8Array): void => column.add(id as number),
      close: (): IdsWritten => ({ kind: 'integers', columns: { [name]: column.close() } }),
    };
  }
  const ends = numberWriter(folder, `${name}-ends`, 'f64');
  const file = `${name}-texts.u8`;
  const texts = columnWriter(join(folder, file));
  let end = 0;
  return {
    add: (id: number | Uint8Array): void => {
      const text = typeof id === 'number' ? Buffer.from(String(id)) : id;
      end += text.length;
      ends.add(end);
      texts.write(text);
    },
    close: (): IdsWritten => {
      const length = texts.close();
      return { kind: 'texts', columns: { [`${name}-ends`]: ends.close(), [`${name}-texts`]: { file, type: 'u8', length } } };
    },
  };
};

/** Integers that a u32 does not hold go into a float64. */
export const highestOf = (numbers: Float64Array): number => {
  let highest = 0;
  for (const number of numbers) if (number > highest || number < 0) highest = number < 0 ? Number.POSITIVE_INFINITY : number;
  return highest;
};

export const writeItemIds = (folder: string, { table, order }: { table: IdTable; order: Uint32Array }): IdsWritten => {
  const numeric = !table.hasText();
  const ids = idWriter(folder, 'item-ids', numeric, numeric ? highestOf(table.numbers()) : 0);
  for (const index of order) ids.add(table.original(index));
  return ids.close();
};

/** Offsets of all users, and their ids. `declared`: users are 0 … declared − 1, and those that did not occur have no rows. */
export const writeUsers = (folder: string, partitions: readonly SortedUsers[], order: UserOrder, declared: number | undefined) => {
  const numeric = partitions.every(({ integers }) => integers !== null);
  const offsets = numberWriter(folder, 'offsets', 'u32');
  const highest = Math.max(0, ...partitions.map(({ integers }) => (integers === null ? 0 : highestOf(integers))));
  const ids = declared === undefined ? idWriter(folder, 'user-ids', numeric, highest) : undefined;
  let [users, rows] = [0, 0];
  const add = (count: number): void => {
    rows += count;
    users++;
    offsets.add(rows);
  };
  offsets.add(0);
  order((p, user) => {
    const { rows: counts, integers, ends, text } = partitions[p]!;
    if (declared !== undefined) while (users < integers![user]!) add(0);
    add(counts[user]!);
    ids?.add(integers === null ? text!.subarray(user === 0 ? 0 : ends![user - 1]!, ends![user]!) : integers[user]!);
  });
  if (declared !== undefined) while (users < declared) add(0);
  const written: IdsWritten = ids?.close() ?? { kind: 'dense', columns: {} };
  return { users, ids: { ...written, columns: { offsets: offsets.close(), ...written.columns } } };
};

const WINDOW = 1 << 16;

/** Reads one partition's rows of a column from its start on, in windows. */
const stream = (path: string, file: number, from: number, to: number) => {
  let window = new Uint8Array(0);
  let [at, next] = [0, from];
  /** The next `bytes` bytes, in pieces. */
  return (bytes: number, into: ColumnWriter): void => {
    for (let left = bytes; left > 0; ) {
      if (at === window.length) {
        window = new Uint8Array(Math.min(WINDOW, to - next));
        readAt(path, file, window, next);
        next += window.length;
        at = 0;
      }
      const piece = Math.min(left, window.length - at);
      into.write(window.subarray(at, at + piece));
      at += piece;
      left -= piece;
    }
  };
};

/** Rows of users in sorted partitions → rows in the order of users. Memory: a window for each partition. */
export const gatherColumn = (
  from: string,
  column: Written & { readonly path: string },
  partitions: readonly { readonly users: SortedUsers; readonly base: number; readonly rows: number }[],
  order: UserOrder,
): void => {
  const size = NUMBER_BYTES[column.type];
  const file = orDisk(from, () => openSync(from, 'r'));
  const out = columnWriter(column.path);
  try {
    const streams = partitions.map(({ base, rows }) => stream(from, file, base * size, (base + rows) * size));
    order((p, user) => streams[p]!(partitions[p]!.users.rows[user]! * size, out));
    out.close();
  } finally {
    closeSync(file);
  }
};
