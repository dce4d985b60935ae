import { badInput } from '../../base/errors.js';

/** Version of the headers that are written. */
export const VERSION = 4;

export type Tree = Readonly<Record<string, unknown>>;
export const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What version 3 kept of a tensor of `blocks` blocks of `size` float32, by its kind of optimizer state. */
const keptInVersion3 = (kind: unknown, blocks: number, size: number): readonly { readonly name: string; readonly bytes: number }[] => {
  const moment = { name: 'moment', bytes: 4 * blocks * size };
  const variance = { name: 'variance', bytes: 4 * blocks * size };
  switch (kind) {
    case 'element':
      return [moment, variance];
    case 'row':
      return [moment, { name: 'variance', bytes: 4 * blocks }];
    case 'tensor':
    case 'velocity':
      return [moment];
    case 'squares':
      return [variance];
    default:
      return [];
  }
};

/** From each older version to the next. */
const MIGRATIONS: Readonly<Record<number, (header: Tree) => Tree>> = {
  /** The round was in the run's state alone. */
  1: (header) => {
    const state = isTree(header['run']) ? header['run']['state'] : undefined;
    return { ...header, version: 2, round: isTree(state) ? state['round'] : 0 };
  },
  /** There was no optimizer but Adam. */
  2: (header) => {
    const migrate = (entry: unknown): unknown => {
      if (!isTree(entry)) return entry;
      const { variance, ...rest } = entry;
      return { ...rest, state: variance === true ? 'element' : 'tensor', counted: false };
    };
    const { tensors } = header;
    return { ...header, version: 3, tensors: Array.isArray(tensors) ? tensors.map(migrate) : tensors };
  },
  /** Tensors were blocks of float32 with a kind of optimizer state, and what rounds hand on was called `carried`. */
  3: ({ carried, tensors, ...header }) => {
    const migrate = (entry: unknown): unknown => {
      if (!isTree(entry)) return entry;
      const { name, state, counted } = entry;
      const [blocks, size] = [Number(entry['blocks']), Number(entry['size'])];
      const counts = counted === true ? [{ name: 'counts', bytes: 4 * blocks }] : [];
      return { name, bytes: 4 * blocks * size, state: [...keptInVersion3(state, blocks, size), ...counts] };
    };
    const behind = carried === undefined ? {} : { roundState: carried };
    return { ...header, ...behind, version: 4, tensors: Array.isArray(tensors) ? tensors.map(migrate) : tensors };
  },
};

/** A header of any version that is known, as one of the present version. Throws CHECKPOINT, naming the path. */
export const migrateHeader = (value: unknown, path: string): Tree => {
  let header = isTree(value) ? value : {};
  for (let version = header['version']; version !== VERSION; version = header['version']) {
    const migrate = typeof version === 'number' && Object.hasOwn(MIGRATIONS, version) ? MIGRATIONS[version] : undefined;
    if (migrate === undefined) throw badInput('CHECKPOINT', path, `a version from 1 to ${VERSION}`, `version ${String(version)}`);
    header = migrate(header);
  }
  return header;
};
