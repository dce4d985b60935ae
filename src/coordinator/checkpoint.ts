import { createHash, type Hash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { badInput, isMetafleetError, MetafleetError, messageOf } from '../base/errors.js';
import { type Bytes, bytes } from '../base/units.js';
import { elementsOf, type Parameter } from '../tensor/parameter.js';
import { bytesAt } from './digest.js';

/**
 * A checkpoint file:
 *
 *   magic "METAFLT1" (8 bytes) · length of the header (u32, little-endian) · header (JSON) · tensors · SHA-256 of all before it
 *
 * Tensors are float32, little-endian, in the order of the header: of each parameter its weights and, unless the file holds
 * weights only, its first and second moments. They stream between file and kernel memory without a second copy of Θ.
 */
const MAGIC = 'METAFLT1';
const VERSION = 1;
const PREFIX = 12;
const CHECKSUM = 32;
const MOST_HEADER = 1 << 26;

type TensorEntry = { readonly name: string; readonly blocks: number; readonly size: number; readonly variance: boolean };

type Header = {
  readonly version: number;
  readonly algorithm: string;
  /** True where the optimizer's moments are left out: enough to predict, not to continue. */
  readonly weightsOnly: boolean;
  readonly tensors: readonly TensorEntry[];
  readonly optimizer: unknown;
  /** The run's own state; opaque here. */
  readonly run: unknown;
};

const entryOf = ({ name, blocks, size, variance }: Parameter): TensorEntry => ({ name, blocks, size, variance: variance !== 0 });

/** The stretches of kernel memory a checkpoint holds, in file order. */
const stretches = (parameters: readonly Parameter[], weightsOnly: boolean): Uint8Array[] =>
  parameters.flatMap((parameter) => {
    const pointers = weightsOnly ? [parameter.weights] : [parameter.weights, parameter.moment, parameter.variance];
    return pointers.filter((pointer) => pointer !== 0).map((pointer) => bytesAt(parameter, pointer, elementsOf(parameter)));
  });

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

export type CheckpointContent = Pick<Header, 'algorithm' | 'optimizer' | 'run' | 'weightsOnly'> & {
  readonly parameters: readonly Parameter[];
};

/** Tries to: whatever kept a file from being written may keep it from being removed, and is the error to tell. */
const removeIfThere = (path: string): void => {
  try {
    rmSync(path, { force: true });
  } catch {}
};

/** Writes beside the target, syncs, and renames: a reader finds the old file or the new one, whole. Throws CHECKPOINT naming the path. */
export const writeCheckpoint = (path: string, content: CheckpointContent): Bytes => {
  const { parameters, ...rest } = content;
  const header = Buffer.from(JSON.stringify({ version: VERSION, ...rest, tensors: parameters.map(entryOf) } satisfies Header));
  const prefix = Buffer.alloc(PREFIX);
  prefix.write(MAGIC, 'latin1');
  prefix.writeUInt32LE(header.length, MAGIC.length);
  const temporary = `${path}.${process.pid}.tmp`;
  let size = PREFIX + header.length + CHECKSUM;
  try {
    const file = openSync(temporary, 'w');
    try {
      const hash = createHash('sha256');
      for (const data of [prefix, header, ...stretches(parameters, content.weightsOnly)]) writeAll(file, data, hash);
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
  for (const data of stretches(parameters, content.weightsOnly)) size += data.length;
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

const parseHeader = (text: string, path: string): Header => {
  let header: Partial<Header>;
  try {
    header = JSON.parse(text) as Partial<Header>;
  } catch {
    throw badInput('CHECKPOINT', path, 'a JSON header', 'something else');
  }
  if (header.version !== VERSION) throw badInput('CHECKPOINT', path, `version ${VERSION}`, `version ${String(header.version)}`);
  if (!Array.isArray(header.tensors)) throw badInput('CHECKPOINT', path, 'a list of tensors', typeof header.tensors);
  return header as Header;
};

const checkTensors = (found: readonly TensorEntry[], parameters: readonly Parameter[], path: string): void => {
  const line = ({ name, blocks, size, variance }: TensorEntry): string =>
    `${name} ${blocks}×${size}${variance ? '' : ' with one second moment'}`;
  const expected = parameters.map(entryOf);
  for (let i = 0; i < Math.max(found.length, expected.length); i++) {
    const [has, wants] = [found[i], expected[i]].map((entry) => (entry === undefined ? 'no further tensor' : line(entry)));
    if (has !== wants) throw badInput('CHECKPOINT', `${path}, tensor ${i}`, String(wants), String(has));
  }
};

export type Restored = Pick<Header, 'optimizer' | 'run'>;

/**
 * Reads a checkpoint into the parameters. Throws CHECKPOINT, naming the path, for a file that is not one, is truncated or
 * damaged, is of another version, has other tensors, or has no optimizer state; Θ is then not usable.
 */
export const readCheckpoint = (path: string, algorithm: string, parameters: readonly Parameter[]): Restored => {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new MetafleetError('CHECKPOINT', `${path}: the checkpoint could not be opened: ${messageOf(error)}`, { cause: error });
  }
  try {
    const hash = createHash('sha256');
    const prefix = Buffer.alloc(PREFIX);
    readExactly(file, prefix, path, hash);
    const magic = prefix.toString('latin1', 0, MAGIC.length);
    if (magic !== MAGIC) throw badInput('CHECKPOINT', path, `the magic "${MAGIC}"`, JSON.stringify(magic));
    const length = prefix.readUInt32LE(MAGIC.length);
    if (length > MOST_HEADER) throw badInput('CHECKPOINT', path, `a header of at most ${MOST_HEADER} bytes`, String(length));
    const text = Buffer.alloc(length);
    readExactly(file, text, path, hash);
    const header = parseHeader(text.toString('utf8'), path);
    if (header.algorithm !== algorithm) throw badInput('CHECKPOINT', path, `algorithm ${algorithm}`, String(header.algorithm));
    if (header.weightsOnly) throw badInput('CHECKPOINT', path, 'optimizer state', 'weights only (the best model, not the last state)');
    checkTensors(header.tensors, parameters, path);
    for (const data of stretches(parameters, false)) readExactly(file, data, path, hash);
    const checksum = Buffer.alloc(CHECKSUM);
    readExactly(file, checksum, path);
    if (!hash.digest().equals(checksum))
      throw badInput('CHECKPOINT', path, 'the checksum it ends with', 'other content: the file is damaged');
    if (readSync(file, checksum) > 0) throw badInput('CHECKPOINT', path, 'nothing behind the checksum', 'more');
    return { optimizer: header.optimizer, run: header.run };
  } catch (error) {
    if (isMetafleetError(error)) throw error;
    throw new MetafleetError('CHECKPOINT', `${path}: the checkpoint could not be read: ${messageOf(error)}`, { cause: error });
  } finally {
    closeSync(file);
  }
};
