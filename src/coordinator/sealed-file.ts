import { createHash, type Hash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { badInput, isMetafleetError, MetafleetError, messageOf } from '../base/errors.js';
import { type Bytes, bytes } from '../base/units.js';

/**
 * A sealed file: large stretches of memory behind a small header, whole or not there at all.
 *
 *   magic (8 bytes) · length of the header (u32, little-endian) · header (JSON) · stretches · SHA-256 of all before it
 *
 * Stretches stream between file and memory: no second copy is made.
 */
const PREFIX = 12;
const CHECKSUM = 32;
const MOST_HEADER = 1 << 26;

/** One write takes at most 2 GiB. */
const PIECE = 1 << 28;

const pieces = function* (data: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < data.length; start += PIECE) yield data.subarray(start, Math.min(data.length, start + PIECE));
};

const writeAll = (file: number, data: Uint8Array, hash?: Hash): void => {
  for (const piece of pieces(data)) {
    hash?.update(piece);
    for (let done = 0; done < piece.length; ) done += writeSync(file, piece, done);
  }
};

/** Tries to: whatever kept a file from being written may keep it from being removed, and is the error to tell. */
const removeIfThere = (path: string): void => {
  try {
    rmSync(path, { force: true });
  } catch {}
};

/** Writes beside the target, syncs, and renames: a reader finds the old file or the new one, whole. Throws CHECKPOINT naming the path. */
export const writeSealed = (path: string, magic: string, header: object, stretches: Iterable<Uint8Array>): Bytes => {
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX);
  prefix.write(magic, 'latin1');
  prefix.writeUInt32LE(text.length, magic.length);
  const temporary = `${path}.${process.pid}.tmp`;
  let size = CHECKSUM;
  try {
    const file = openSync(temporary, 'w');
    try {
      const hash = createHash('sha256');
      const write = (data: Uint8Array): void => {
        writeAll(file, data, hash);
        size += data.length;
      };
      write(prefix);
      write(text);
      for (const data of stretches) write(data);
      writeAll(file, hash.digest());
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    const folder = openSync(dirname(path), 'r');
    fsyncSync(folder);
    closeSync(folder);
  } catch (error) {
    removeIfThere(temporary);
    throw new MetafleetError('CHECKPOINT', `${path}: the checkpoint could not be written: ${messageOf(error)}`, { cause: error });
  }
  return bytes(size);
};

const readExactly = (file: number, into: Uint8Array, path: string, hash?: Hash): void => {
  for (const piece of pieces(into)) {
    for (let done = 0; done < piece.length; ) {
      const got = readSync(file, piece, done, piece.length - done, null);
      if (got === 0) throw badInput('CHECKPOINT', path, 'a whole checkpoint', 'a file that ends too early');
      done += got;
    }
    hash?.update(piece);
  }
};

const readHeader = (file: number, path: string, expected: string, hash: Hash): unknown => {
  const prefix = Buffer.alloc(PREFIX);
  readExactly(file, prefix, path, hash);
  const magic = prefix.toString('latin1', 0, expected.length);
  if (magic !== expected) throw badInput('CHECKPOINT', path, `the magic "${expected}"`, JSON.stringify(magic));
  const length = prefix.readUInt32LE(expected.length);
  if (length > MOST_HEADER) throw badInput('CHECKPOINT', path, `a header of at most ${MOST_HEADER} bytes`, String(length));
  const text = Buffer.alloc(length);
  readExactly(file, text, path, hash);
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    throw badInput('CHECKPOINT', path, 'a JSON header', 'something else');
  }
};

const checkEnd = (file: number, path: string, hash: Hash): void => {
  const checksum = Buffer.alloc(CHECKSUM);
  readExactly(file, checksum, path);
  if (!hash.digest().equals(checksum)) {
    throw badInput('CHECKPOINT', path, 'the checksum it ends with', 'other content: the file is damaged');
  }
  if (readSync(file, checksum) > 0) throw badInput('CHECKPOINT', path, 'nothing behind the checksum', 'more');
};

/**
 * Reads a sealed file into the stretches that `place` returns once it has found the header acceptable. Throws CHECKPOINT, naming
 * the path, for a file that is not one, is truncated or damaged; what was read until then is not to be used.
 */
export const readSealed = (path: string, magic: string, place: (header: unknown) => Iterable<Uint8Array>): void => {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new MetafleetError('CHECKPOINT', `${path}: the checkpoint could not be opened: ${messageOf(error)}`, { cause: error });
  }
  try {
    const hash = createHash('sha256');
    for (const data of place(readHeader(file, path, magic, hash))) readExactly(file, data, path, hash);
    checkEnd(file, path, hash);
  } catch (error) {
    if (isMetafleetError(error)) throw error;
    throw new MetafleetError('CHECKPOINT', `${path}: the checkpoint could not be read: ${messageOf(error)}`, { cause: error });
  } finally {
    closeSync(file);
  }
};
