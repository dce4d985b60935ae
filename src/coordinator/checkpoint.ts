import { badInput } from '../base/errors.js';
import type { Bytes } from '../base/units.js';
import { elementsOf, type Parameter } from '../tensor/parameter.js';
import { bytesAt } from './digest.js';
import { readSealed, writeSealed } from './sealed-file.js';

/**
 * A checkpoint is a sealed file of tensors: float32, little-endian, in the order of the header: of each parameter its weights
 * and, unless the file holds weights only, its first and second moments.
 */
const MAGIC = 'METAFLT1';
const VERSION = 1;

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
const stretches = function* (parameters: readonly Parameter[], weightsOnly: boolean): Generator<Uint8Array> {
  for (const parameter of parameters) {
    const pointers = weightsOnly ? [parameter.weights] : [parameter.weights, parameter.moment, parameter.variance];
    for (const pointer of pointers) if (pointer !== 0) yield bytesAt(parameter, pointer, elementsOf(parameter));
  }
};

export type CheckpointContent = Pick<Header, 'algorithm' | 'optimizer' | 'run' | 'weightsOnly'> & {
  readonly parameters: readonly Parameter[];
};

/** Throws CHECKPOINT naming the path; what was there before then stays. */
export const writeCheckpoint = (path: string, { parameters, ...rest }: CheckpointContent): Bytes => {
  const header: Header = { version: VERSION, ...rest, tensors: parameters.map(entryOf) };
  return writeSealed(path, MAGIC, header, stretches(parameters, rest.weightsOnly));
};

const parseHeader = (value: unknown, path: string): Header => {
  const header = (value ?? {}) as Partial<Header>;
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

const checkContent = (header: Header, algorithm: string, parameters: readonly Parameter[], path: string): void => {
  if (header.algorithm !== algorithm) throw badInput('CHECKPOINT', path, `algorithm ${algorithm}`, String(header.algorithm));
  checkTensors(header.tensors, parameters, path);
};

export type Restored = Pick<Header, 'optimizer' | 'run'>;

/**
 * Reads a checkpoint into the parameters. Throws CHECKPOINT, naming the path, for a file that is not one, is truncated or
 * damaged, is of another version, has other tensors, or has no optimizer state; Θ is then not usable.
 */
export const readCheckpoint = (path: string, algorithm: string, parameters: readonly Parameter[]): Restored => {
  let restored: Restored = { optimizer: null, run: null };
  readSealed(path, MAGIC, (value) => {
    const header = parseHeader(value, path);
    checkContent(header, algorithm, parameters, path);
    if (header.weightsOnly) throw badInput('CHECKPOINT', path, 'optimizer state', 'weights only (the best model, not the last state)');
    restored = { optimizer: header.optimizer, run: header.run };
    return stretches(parameters, false);
  });
  return restored;
};

/** Reads the weights of a checkpoint, with or without optimizer state; returns the run's state. Throws CHECKPOINT as readCheckpoint does. */
export const readWeights = (path: string, algorithm: string, parameters: readonly Parameter[]): unknown => {
  let run: unknown;
  readSealed(path, MAGIC, (value) => {
    const header = parseHeader(value, path);
    checkContent(header, algorithm, parameters, path);
    run = header.run;
    return stretches(parameters, header.weightsOnly);
  });
  return run;
};
