import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { whatToDo } from '../../base/disk.js';
import { badInput, isMetafleetError, MetafleetError, messageOf } from '../../base/errors.js';
import { type Bytes, bytes } from '../../base/units.js';

/**
 * A sealed file: large stretches of memory behind a small header, whole or not there at all.
 *
 *   magic (8 bytes) · length of the header (u32, little-endian) · header (JSON) · stretches · SHA-256 of all before it
 *
 * Stretches stream between file and memory: no second copy is made in this process's memory.
 */
const PREFIX = 12;
const CHECKSUM = 32;
const MOST_HEADER = 1 << 26;
/** Read back at a time while the checksum is made. */
const READ_BACK = 1 << 20;

/** One write takes at most 2 GiB. */
const PIECE = 1 << 28;

const pieces = function* (data: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < data.length; start += PIECE) yield data.subarray(start, Math.min(data.length, start + PIECE));
};

const writeAll = (file: number, data: Uint8Array): void => {
  for (const piece of pieces(data)) {
    for (let done = 0; done < piece.length; ) done += writeSync(file, piece, done);
  }
};

/** Tries to: whatever kept a file from being written may keep it from being removed, and is the error to tell. */
const removeIfThere = (path: string): void => {
  try {
    rmSync(path, { force: true });
  } catch {}
};

/** SHA-256 of the first `size` bytes of an open file. */
const hashOf = (file: number, size: number): Buffer => {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(Math.min(size, READ_BACK));
  for (let at = 0; at < size; ) {
    const got = readSync(file, buffer, 0, Math.min(buffer.length, size - at), at);
    if (got === 0) throw new Error('the file lost its end while it was written');
    hash.update(buffer.subarray(0, got));
    at += got;
  }
  return hash.digest();
};

/** Content that lies in a file next to its target: the memory it came from may change again. */
export type CopiedFile = {
  /** Adds the checksum, syncs, calls `makeRoom` and takes the target's place. Throws CHECKPOINT naming the path. */
  seal(makeRoom?: () => void): Bytes;
};

const notWritten = (path: string, temporary: string, error: unknown): MetafleetError => {
  removeIfThere(temporary);
  const text = `${path}: the checkpoint could not be written: ${messageOf(error)}${whatToDo(error)}`;
  return new MetafleetError('CHECKPOINT', text, { cause: error });
};

/**
 * The first half of writing a sealed file, at the speed of memory: into the system's cache of a file next to the target. What is
 * left, hashing and the disk, needs the memory no more. A copy that was not sealed is written over where it lies, which takes half the time
 * of a new one. Throws CHECKPOINT naming the path.
 */
export const copySealed = (path: string, magic: string, header: object, stretches: Iterable<Uint8Array>): CopiedFile => {
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX);
  prefix.write(magic, 'latin1');
  prefix.writeUInt32LE(text.length, magic.length);
  const temporary = temporaryOf(path, process.pid);
  let file: number | undefined;
  let size = 0;
  const write = (data: Uint8Array): void => {
    writeAll(file!, data);
    size += data.length;
  };
  const closeOnce = (): void => {
    const open = file;
    file = undefined;
    if (open !== undefined) closeSync(open);
  };
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      closeOnce();
      throw notWritten(path, temporary, error);
    }
  };
  guarded(() => {
    file = openSync(temporary, constants.O_RDWR | constants.O_CREAT);
    write(prefix);
    write(text);
    for (const data of stretches) write(data);
    // A disk that is full is found out now, while the memory can still be copied elsewhere.
    writeAll(file, Buffer.alloc(CHECKSUM));
    ftruncateSync(file, size + CHECKSUM);
    closeOnce();
  });
  return {
    seal: (makeRoom) =>
      guarded(() => {
        file = openSync(temporary, 'r+');
        writeSync(file, hashOf(file, size), 0, CHECKSUM, size);
        fsyncSync(file);
        closeOnce();
        makeRoom?.();
        renameSync(temporary, path);
        syncFolder(dirname(path));
        return bytes(size + CHECKSUM);
      }),
  };
};

const TEMPORARY = /\.\d+\.tmp$/;
const temporaryOf = (path: string, process: number): string => `${path}.${process}.tmp`;

/** Whether a file is one that a process was writing when it died, if it is not being written now. */
export const isTemporary = (name: string): boolean => TEMPORARY.test(name);

const syncFolder = (path: string): void => {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
};

/**
 * Writes a file next to the target, syncs, and renames: a reader finds the old file or the new one, whole. Throws CHECKPOINT naming the path.
 */
export const writeSealed = (path: string, magic: string, header: object, stretches: Iterable<Uint8Array>): Bytes =>
  copySealed(path, magic, header, stretches).seal();

const endsTooEarly = (path: string): Error => badInput('CHECKPOINT', path, 'a whole checkpoint', 'a file that ends too early');

const readExactly = (file: number, into: Uint8Array, path: string, hash?: Hash): void => {
  for (const piece of pieces(into)) {
    for (let done = 0; done < piece.length; ) {
      const got = readSync(file, piece, done, piece.length - done, null);
      if (got === 0) throw endsTooEarly(path);
      done += got;
    }
    hash?.update(piece);
  }
};

/** What is assigned under this name would become an object's prototype. */
const refusePrototypes = (key: string, value: unknown): unknown => {
  if (key === '__proto__') throw new Error('a prototype');
  return value;
};

const readHeader = (file: number, path: string, expected: string, hash: Hash): unknown => {
  const prefix = Buffer.alloc(PREFIX);
  readExactly(file, prefix, path, hash);
  const magic = prefix.toString('latin1', 0, expected.length);
  if (magic !== expected) throw badInput('CHECKPOINT', path, `the magic "${expected}"`, JSON.stringify(magic));
  const length = prefix.readUInt32LE(expected.length);
  if (length > MOST_HEADER) throw badInput('CHECKPOINT', path, `a header of at most ${MOST_HEADER} bytes`, String(length));
  // What a forged length claims is not allocated.
  if (length > fstatSync(file).size - PREFIX - CHECKSUM) throw endsTooEarly(path);
  const text = Buffer.alloc(length);
  readExactly(file, text, path, hash);
  try {
    return JSON.parse(text.toString('utf8'), refusePrototypes);
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

const opened = <T>(path: string, read: (file: number) => T): T => {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new MetafleetError('CHECKPOINT', `${path}: the checkpoint could not be opened: ${messageOf(error)}`, { cause: error });
  }
  try {
    return read(file);
  } catch (error) {
    if (isMetafleetError(error)) throw error;
    throw new MetafleetError('CHECKPOINT', `${path}: the checkpoint could not be read: ${messageOf(error)}`, { cause: error });
  } finally {
    closeSync(file);
  }
};

/** The header alone: neither what follows nor the checksum is looked at. */
export const readSealedHeader = (path: string, magic: string): unknown =>
  opened(path, (file) => readHeader(file, path, magic, createHash('sha256')));

/**
 * Reads a sealed file into the stretches that `place` returns once it has found the header acceptable. `room` is the bytes of the whole
 * file: nothing in it can take more. Throws CHECKPOINT, naming the path, for a file that is not one, is truncated or damaged.
 * What was read until then is not to be used.
 */
export const readSealed = (path: string, magic: string, place: (header: unknown, room: number) => Iterable<Uint8Array>): void =>
  opened(path, (file) => {
    const hash = createHash('sha256');
    const header = readHeader(file, path, magic, hash);
    for (const data of place(header, fstatSync(file).size)) readExactly(file, data, path, hash);
    checkEnd(file, path, hash);
  });
