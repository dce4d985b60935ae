import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { badInput, MetafleetError, messageOf } from '../../base/errors.js';
import { BLOCK, type ColumnEntry, NUMBER_BYTES, type NumberType } from './manifest.js';

export type Numbers = Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array;

/** `count` numbers of a type, in shared memory if `shared`. */
export const numbersOf = (type: NumberType, buffer: ArrayBuffer | SharedArrayBuffer): Numbers => {
  switch (type) {
    case 'u8':
      return new Uint8Array(buffer);
    case 'u16':
      return new Uint16Array(buffer);
    case 'u32':
      return new Uint32Array(buffer);
    case 'f32':
      return new Float32Array(buffer);
    case 'f64':
      return new Float64Array(buffer);
  }
};

/** The smallest type of whole numbers that counts below `bound`. */
export const countingType = (bound: number): NumberType =>
  bound <= 2 ** 8 ? 'u8' : bound <= 2 ** 16 ? 'u16' : bound <= 2 ** 32 ? 'u32' : 'f64';

const bytesOf = (numbers: ArrayBufferView): Uint8Array => new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);

/** A full disk is the user's to mend: one line, with the path. */
export const orDisk = <T>(path: string, attempt: () => T): T => {
  try {
    return attempt();
  } catch (error) {
    const full =
      error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT' || error.code === 'EFBIG');
    throw full
      ? new MetafleetError('DATA', `${path}: expected room on the disk, found it full; free some, or choose another --out`, {
          cause: error,
        })
      : badInput('DATA', path, 'a file that can be written and read', messageOf(error));
  }
};

/** Writes all of `numbers` at byte `at`. A write may be cut short: then it goes on. */
export const writeAt = (path: string, file: number, numbers: ArrayBufferView, at: number): void =>
  orDisk(path, () => {
    const bytes = bytesOf(numbers);
    for (let done = 0; done < bytes.length; ) {
      const wrote = writeSync(file, bytes, done, Math.min(bytes.length - done, 1 << 30), at + done);
      if (wrote === 0) throw new Error('nothing could be written');
      done += wrote;
    }
  });

/** Fills `numbers` from byte `at`. */
export const readAt = (path: string, file: number, numbers: ArrayBufferView, at: number): void =>
  orDisk(path, () => {
    const bytes = bytesOf(numbers);
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(file, bytes, done, Math.min(bytes.length - done, 1 << 30), at + done);
      if (read === 0) throw new Error(`only ${at + done} bytes of ${at + bytes.length}`);
      done += read;
    }
  });

/** Writes one column from its start to its end. */
export type ColumnWriter = { readonly write: (numbers: ArrayBufferView) => void; readonly close: () => number };

/** Small writes are gathered to 1 MiB. `close` returns the bytes written. */
export const columnWriter = (path: string): ColumnWriter => {
  const file = orDisk(path, () => openSync(path, 'w'));
  const buffer = new Uint8Array(1 << 20);
  let held = 0;
  let at = 0;
  const flush = (): void => {
    writeAt(path, file, buffer.subarray(0, held), at);
    at += held;
    held = 0;
  };
  return {
    write: (numbers) => {
      const bytes = bytesOf(numbers);
      if (held + bytes.length > buffer.length) flush();
      if (bytes.length > buffer.length) {
        writeAt(path, file, bytes, at);
        at += bytes.length;
        return;
      }
      buffer.set(bytes, held);
      held += bytes.length;
    },
    close: () => {
      flush();
      closeSync(file);
      return at;
    },
  };
};

/** SHA-256 of blocks [first, end) of a file. */
export const hashBlocks = (path: string, first: number, end: number, bytes: number): string[] => {
  const file = orDisk(path, () => openSync(path, 'r'));
  try {
    const buffer = new Uint8Array(Math.min(BLOCK, bytes));
    return Array.from({ length: end - first }, (_, index) => {
      const at = (first + index) * BLOCK;
      const block = buffer.subarray(0, Math.min(BLOCK, bytes - at));
      readAt(path, file, block, at);
      return createHash('sha256').update(block).digest('hex');
    });
  } finally {
    closeSync(file);
  }
};

/** The block of the last scan: a new one each time would stay in memory until a collection. */
let spare: ArrayBuffer | undefined;

/**
 * Calls `take` with the numbers [from, to) of a column, block by block and in order: `numbers` are those from index `at` on.
 * Every block that holds one of them is read and checked. Memory: one block.
 * @throws MetafleetError DATA for a column that is missing, has another length, or is damaged.
 */
export const scanColumn = (
  folder: string,
  column: ColumnEntry,
  range: { readonly from: number; readonly to: number },
  take: (numbers: Numbers, at: number) => void,
): void => {
  const path = join(folder, column.file);
  const size = NUMBER_BYTES[column.type];
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw badInput('DATA', path, 'the column that the manifest names', messageOf(error));
  }
  try {
    const { size: bytes } = fstatSync(file);
    const wanted = column.length * size;
    if (bytes !== wanted) throw badInput('DATA', path, `${wanted} bytes, as the manifest says`, `${bytes}; import the source again`);
    const buffer = spare ?? new ArrayBuffer(BLOCK);
    spare = undefined;
    for (let block = Math.floor((range.from * size) / BLOCK); block * BLOCK < range.to * size; block++) {
      const at = block * BLOCK;
      const bytes = new Uint8Array(buffer, 0, Math.min(BLOCK, wanted - at));
      readAt(path, file, bytes, at);
      if (createHash('sha256').update(bytes).digest('hex') !== column.blocks[block]) {
        const found = 'another one: the column is damaged; import the source again';
        throw badInput('DATA', path, `the checksum of the manifest for block ${block}`, found);
      }
      const first = at / size;
      const [begin, end] = [Math.max(range.from, first), Math.min(range.to, (at + bytes.length) / size)];
      take(numbersOf(column.type, buffer).subarray(begin - first, end - first), begin);
    }
    spare = buffer;
  } finally {
    closeSync(file);
  }
};
