import { badInput } from '../../base/errors.js';
import type { Bytes } from '../../base/units.js';
import { elementsOf, type MomentKind, type Parameter, stateOf } from '../../tensor/memory/parameter.js';
import { bytesAt } from './digest.js';
import { readSealed, readSealedHeader, writeSealed } from './sealed-file.js';

/**
 * A checkpoint is a sealed file of tensors: float32, little-endian, in the order of the header. It holds the weights of each parameter.
 * Unless the file holds weights only, what the optimizer keeps of them follows, as `state` of each header entry says. Updates
 * that were still under way follow as they lie.
 */
const MAGIC = 'METAFLT1';
const VERSION = 3;

/** `state` names what the optimizer keeps of the tensor, `counted` whether it counts the rounds that touch each row. */
type TensorEntry = {
  readonly name: string;
  readonly blocks: number;
  readonly size: number;
  readonly state: MomentKind;
  readonly counted: boolean;
};

type Header = {
  readonly version: number;
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
  readonly carried?: number;
};

type Tree = Readonly<Record<string, unknown>>;
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** From each older version to the next. */
const MIGRATIONS: Readonly<Record<number, (header: Tree) => Tree>> = {
  /** The round was in the run's state alone. */
  1: (header) => {
    const state = isTree(header['run']) ? header['run']['state'] : undefined;
    return { ...header, version: 2, round: isTree(state) ? state['round'] : 0 };
  },
  /** There was no optimizer but Adam, and FedAvg without one. */
  2: (header) => {
    const alone: MomentKind = header['algorithm'] === 'fedavg' ? 'none' : 'tensor';
    const migrate = (entry: unknown): unknown => {
      if (!isTree(entry)) return entry;
      const { variance, ...rest } = entry;
      return { ...rest, state: variance === true ? 'element' : alone, counted: false };
    };
    const { tensors } = header;
    return { ...header, version: 3, tensors: Array.isArray(tensors) ? tensors.map(migrate) : tensors };
  },
};

const entryOf = ({ name, blocks, size, kind, counts }: Parameter): TensorEntry => ({
  name,
  blocks,
  size,
  state: kind,
  counted: counts !== 0,
});

/** The stretches of kernel memory a checkpoint holds, in file order. */
const stretches = function* (parameters: readonly Parameter[], weightsOnly: boolean, carried: Uint8Array): Generator<Uint8Array> {
  for (const parameter of parameters) {
    yield bytesAt(parameter, parameter.weights, elementsOf(parameter));
    if (weightsOnly) continue;
    for (const { pointer, count } of stateOf(parameter)) yield bytesAt(parameter, pointer, count);
  }
  if (carried.length > 0) yield carried;
};

export type CheckpointContent = Pick<Header, 'algorithm' | 'round' | 'optimizer' | 'run' | 'weightsOnly'> & {
  readonly parameters: readonly Parameter[];
  /** What rounds hand on to one another, in a form of its own. */
  readonly carried?: Uint8Array;
};

export type CheckpointFile = { readonly magic: string; readonly header: object; readonly stretches: Iterable<Uint8Array> };

/** What the file of a checkpoint consists of, for the code that writes it. */
export const checkpointFile = ({ parameters, carried = new Uint8Array(0), ...rest }: CheckpointContent): CheckpointFile => {
  const behind = carried.length === 0 ? {} : { carried: carried.length };
  const header: Header = { version: VERSION, ...rest, ...behind, tensors: parameters.map(entryOf) };
  return { magic: MAGIC, header, stretches: stretches(parameters, rest.weightsOnly, carried) };
};

/** Throws CHECKPOINT naming the path; what was there before then stays. */
export const writeCheckpoint = (path: string, content: CheckpointContent): Bytes => {
  const { magic, header, stretches: data } = checkpointFile(content);
  return writeSealed(path, magic, header, data);
};

/** A header of any version that is known, as one of the present version. */
const parseHeader = (value: unknown, path: string): Header => {
  let header = isTree(value) ? value : {};
  for (let version = header['version']; version !== VERSION; version = header['version']) {
    const migrate = typeof version === 'number' && Object.hasOwn(MIGRATIONS, version) ? MIGRATIONS[version] : undefined;
    if (migrate === undefined) throw badInput('CHECKPOINT', path, `a version from 1 to ${VERSION}`, `version ${String(version)}`);
    header = migrate(header);
  }
  const { tensors, round } = header;
  if (!Array.isArray(tensors)) throw badInput('CHECKPOINT', path, 'a list of tensors', typeof tensors);
  if (!Number.isSafeInteger(round) || (round as number) < 0) throw badInput('CHECKPOINT', `${path}, round`, 'a round', String(round));
  return header as Header;
};

const STATES: Readonly<Record<MomentKind, string>> = {
  element: '',
  row: ' with a second moment for each row',
  tensor: ' with one second moment',
  squares: ' with sums of squares',
  velocity: ' with a velocity',
  none: ' without optimizer state',
};

const checkTensors = (found: readonly unknown[], parameters: readonly Parameter[], path: string): void => {
  const line = (entry: unknown): string => {
    if (!isTree(entry)) return 'no further tensor';
    const { name, blocks, size, state, counted } = entry;
    const kept = STATES[state as MomentKind] ?? ` with ${String(state)}`;
    // A forged name or state may have lines of its own.
    return `${String(name)} ${String(blocks)}×${String(size)}${kept}${counted === true ? ', rows counted' : ''}`.replace(/\s+/g, ' ');
  };
  const expected = parameters.map(entryOf);
  for (let i = 0; i < Math.max(found.length, expected.length); i++) {
    const [has, wants] = [line(found[i]), line(expected[i])];
    if (has !== wants) throw badInput('CHECKPOINT', `${path}, tensor ${i}`, wants, has.slice(0, 200));
  }
};

const checkContent = (header: Header, algorithm: string, parameters: readonly Parameter[], path: string): void => {
  if (header.algorithm !== algorithm) throw badInput('CHECKPOINT', path, `algorithm ${algorithm}`, String(header.algorithm));
  checkTensors(header.tensors, parameters, path);
};

export type Restored = Pick<Header, 'optimizer' | 'run' | 'round'> & { readonly carried: Uint8Array };

/** What a forged length claims is not allocated. */
const roomFor = ({ carried = 0 }: Header, room: number, path: string): Uint8Array => {
  if (!Number.isSafeInteger(carried) || carried < 0 || carried > room)
    throw badInput('CHECKPOINT', `${path}, carried`, `0 to ${room} bytes`, String(carried).slice(0, 100));
  return new Uint8Array(carried);
};

/** The round and the run's state of a checkpoint, of whose tensors nothing is read. Throws CHECKPOINT, naming the path. */
export const readCheckpointHeader = (path: string): Omit<Restored, 'carried'> => parseHeader(readSealedHeader(path, MAGIC), path);

/**
 * Reads a checkpoint into the parameters. Throws CHECKPOINT, naming the path, for a file that is not one, or is truncated or
 * damaged. The same for an unknown version, other tensors, or no optimizer state. Θ is then not usable.
 */
export const readCheckpoint = (path: string, algorithm: string, parameters: readonly Parameter[]): Restored => {
  let restored: Restored = { optimizer: null, run: null, round: 0, carried: new Uint8Array(0) };
  readSealed(path, MAGIC, (value, room) => {
    const header = parseHeader(value, path);
    checkContent(header, algorithm, parameters, path);
    if (header.weightsOnly) throw badInput('CHECKPOINT', path, 'optimizer state', 'weights only (the best model, not the last state)');
    restored = { optimizer: header.optimizer, run: header.run, round: header.round, carried: roomFor(header, room, path) };
    return stretches(parameters, false, restored.carried);
  });
  return restored;
};

/** Reads the weights of a checkpoint, with or without optimizer state; returns the run's state. Throws CHECKPOINT as readCheckpoint does. */
export const readWeights = (path: string, algorithm: string, parameters: readonly Parameter[]): Omit<Restored, 'optimizer' | 'carried'> => {
  let restored: Omit<Restored, 'optimizer' | 'carried'> = { run: null, round: 0 };
  readSealed(path, MAGIC, (value, room) => {
    const header = parseHeader(value, path);
    checkContent(header, algorithm, parameters, path);
    restored = { run: header.run, round: header.round };
    return stretches(parameters, header.weightsOnly, roomFor(header, room, path));
  });
  return restored;
};
