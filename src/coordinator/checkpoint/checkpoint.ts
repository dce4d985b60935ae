import type { NamedTensor } from '../../algorithms/port/server.js';
import { badInput } from '../../base/errors.js';
import type { Bytes } from '../../base/units.js';
import { isTree, migrateHeader, VERSION } from './checkpoint-migrations.js';
import { readSealed, readSealedHeader, writeSealed } from './sealed-file.js';

/**
 * A checkpoint is a sealed file of tensors: float32, little-endian, in the order of the header.
 * Each tensor has its values and, unless the file holds weights only, the state that each header entry lists.
 * The round state follows as bytes.
 */
const MAGIC = 'METAFLT1';

/** Bytes of a tensor, and of what is kept with it, by name. */
type TensorEntry = {
  readonly name: string;
  readonly bytes: number;
  readonly state: readonly { readonly name: string; readonly bytes: number }[];
};

type Header = {
  readonly version: number;
  /** What the algorithm and the other definitions of the run are; of the first versions, the algorithm's name alone. */
  readonly algorithm: string;
  /** The last round that is in it. */
  readonly round: number;
  /** True where the optimizer's moments are left out: enough to predict, not to continue. */
  readonly weightsOnly: boolean;
  readonly tensors: readonly TensorEntry[];
  readonly optimizer: unknown;
  /** The run's own state; opaque here. */
  readonly run: unknown;
  /** Bytes behind the tensors; absent: none. */
  readonly roundState?: number;
};

const entryOf = ({ name, bytes, state }: NamedTensor): TensorEntry => ({
  name,
  bytes: bytes().length,
  state: state.map((kept) => ({ name: kept.name, bytes: kept.bytes().length })),
});

/** The stretches of memory a checkpoint holds, in file order. */
const stretches = function* (tensors: readonly NamedTensor[], weightsOnly: boolean, roundState: Uint8Array): Generator<Uint8Array> {
  for (const { bytes, state } of tensors) {
    yield bytes();
    if (!weightsOnly) for (const kept of state) yield kept.bytes();
  }
  if (roundState.length > 0) yield roundState;
};

export type CheckpointContent = Pick<Header, 'algorithm' | 'round' | 'optimizer' | 'run' | 'weightsOnly'> & {
  readonly tensors: readonly NamedTensor[];
  /** What rounds hand on to one another, in a form of its own. */
  readonly roundState?: Uint8Array;
};

export type CheckpointFile = { readonly magic: string; readonly header: object; readonly stretches: Iterable<Uint8Array> };

/** The parts of a checkpoint's file, for its writer. */
export const checkpointFile = ({ tensors, roundState = new Uint8Array(0), ...rest }: CheckpointContent): CheckpointFile => {
  const behind = roundState.length === 0 ? {} : { roundState: roundState.length };
  const header: Header = { version: VERSION, ...rest, ...behind, tensors: tensors.map(entryOf) };
  return { magic: MAGIC, header, stretches: stretches(tensors, rest.weightsOnly, roundState) };
};

/** Throws CHECKPOINT naming the path; what was there before then stays. */
export const writeCheckpoint = (path: string, content: CheckpointContent): Bytes => {
  const { magic, header, stretches: data } = checkpointFile(content);
  return writeSealed(path, magic, header, data);
};

/** A header of any version that is known, as one of the present version. */
const parseHeader = (value: unknown, path: string): Header => {
  const header = migrateHeader(value, path);
  const { tensors, round } = header;
  if (!Array.isArray(tensors)) throw badInput('CHECKPOINT', path, 'a list of tensors', typeof tensors);
  if (!Number.isSafeInteger(round) || (round as number) < 0) throw badInput('CHECKPOINT', `${path}, round`, 'a round', String(round));
  return header as Header;
};

const checkTensors = (found: readonly unknown[], tensors: readonly NamedTensor[], path: string): void => {
  const line = (entry: unknown): string => {
    if (!isTree(entry)) return 'no further tensor';
    const { name, bytes, state } = entry;
    const kept = Array.isArray(state)
      ? state.map((each) => (isTree(each) ? `${String(each['name'])} of ${String(each['bytes'])}` : String(each)))
      : [];
    // A forged name or state may have lines of its own.
    return `${String(name)} of ${String(bytes)} bytes${kept.length === 0 ? '' : ` with ${kept.join(', ')}`}`.replace(/\s+/g, ' ');
  };
  const expected = tensors.map(entryOf);
  for (let i = 0; i < Math.max(found.length, expected.length); i++) {
    const [has, wants] = [line(found[i]), line(expected[i])];
    if (has !== wants) throw badInput('CHECKPOINT', `${path}, tensor ${i}`, wants, has.slice(0, 200));
  }
};

const checkContent = (header: Header, algorithm: string, tensors: readonly NamedTensor[], path: string): void => {
  const isSame = header.algorithm === algorithm || algorithm.startsWith(`${header.algorithm}@`);
  if (!isSame) throw badInput('CHECKPOINT', path, `algorithm ${algorithm}`, String(header.algorithm));
  checkTensors(header.tensors, tensors, path);
};

export type Restored = Pick<Header, 'optimizer' | 'run' | 'round'> & { readonly roundState: Uint8Array };

/** What a forged length claims is not allocated. */
const roomFor = ({ roundState = 0 }: Header, room: number, path: string): Uint8Array => {
  if (!Number.isSafeInteger(roundState) || roundState < 0 || roundState > room)
    throw badInput('CHECKPOINT', `${path}, roundState`, `0 to ${room} bytes`, String(roundState).slice(0, 100));
  return new Uint8Array(roundState);
};

/** The round and the run's state of a checkpoint, of whose tensors nothing is read. Throws CHECKPOINT, naming the path. */
export const readCheckpointHeader = (path: string): Omit<Restored, 'roundState'> => parseHeader(readSealedHeader(path, MAGIC), path);

/**
 * Reads a checkpoint into the tensors. Throws CHECKPOINT, naming the path, for a file that is no checkpoint, or is damaged.
 * It also throws for an unknown version, other tensors, and a file without optimizer state. Then Θ is not usable.
 */
export const readCheckpoint = (path: string, algorithm: string, tensors: readonly NamedTensor[]): Restored => {
  let restored: Restored = { optimizer: null, run: null, round: 0, roundState: new Uint8Array(0) };
  readSealed(path, MAGIC, (value, room) => {
    const header = parseHeader(value, path);
    checkContent(header, algorithm, tensors, path);
    if (header.weightsOnly) throw badInput('CHECKPOINT', path, 'optimizer state', 'weights only (the best model, not the last state)');
    restored = { optimizer: header.optimizer, run: header.run, round: header.round, roundState: roomFor(header, room, path) };
    return stretches(tensors, false, restored.roundState);
  });
  return restored;
};

/** Reads the weights of a checkpoint, with or without optimizer state; returns the run's state. Throws CHECKPOINT as readCheckpoint does. */
export const readWeights = (
  path: string,
  algorithm: string,
  tensors: readonly NamedTensor[],
): Omit<Restored, 'optimizer' | 'roundState'> => {
  let restored: Omit<Restored, 'optimizer' | 'roundState'> = { run: null, round: 0 };
  readSealed(path, MAGIC, (value, room) => {
    const header = parseHeader(value, path);
    checkContent(header, algorithm, tensors, path);
    restored = { run: header.run, round: header.round };
    return stretches(tensors, header.weightsOnly, roomFor(header, room, path));
  });
  return restored;
};
