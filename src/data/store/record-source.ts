import { PARTS, type Part, type Parts, type RecordSource } from '../dataset.js';
import { partSizes, ratingsAt, splitUser } from '../splits/split.js';
import { type Numbers, scanColumn } from './column-file.js';
import { columnOf, readOffsets, type Span } from './columns.js';
import type { Manifest } from './manifest.js';

/** A split of some users that needs no records of others. */
export type UserSplit = {
  /** The part of each record of users [from, to), as an index into PARTS. `offsets`: of their rows in the columns, and the last one's end. */
  readonly labels: (users: Span, offsets: Uint32Array) => Uint8Array;
  /** Records of a user in each part, by their number. Absent: labels must be counted. */
  readonly sizes?: (records: number) => readonly [train: number, valid: number, test: number];
};

/** The default split. Each user's parts are drawn by themselves. */
export const randomSplit = (seed: number): UserSplit => ({
  labels: ({ from }, offsets) => {
    const base = offsets[0]!;
    const labels = new Uint8Array(offsets.at(-1)! - base);
    for (let i = 0; i + 1 < offsets.length; i++) splitUser(seed, from + i, labels.subarray(offsets[i]! - base, offsets[i + 1]! - base));
    return labels;
  },
  sizes: partSizes,
});

/** The split with which the source came. */
export const storedSplit = (folder: string, manifest: Manifest): UserSplit => ({
  labels: (_, offsets) => {
    const rows = { from: offsets[0]!, to: offsets.at(-1)! };
    const labels = new Uint8Array(rows.to - rows.from);
    scanColumn(folder, columnOf(folder, manifest, 'parts'), rows, (numbers, at) => labels.set(numbers, at - rows.from));
    return labels;
  },
});

/**
 * Calls `visit` behind each user with the records of each part so far. `offsets`: of all records, from users [0, to) of `labels`,
 * which are needed where sizes do not follow from a user's number of records.
 */
const countUp = (
  { sizes }: UserSplit,
  offsets: Uint32Array,
  labels: Uint8Array,
  visit: (user: number, totals: Uint32Array) => void,
): void => {
  const totals = new Uint32Array(PARTS.length);
  for (let user = 0; user + 1 < offsets.length; user++) {
    const [first, end] = [offsets[user]! - offsets[0]!, offsets[user + 1]! - offsets[0]!];
    if (sizes === undefined) for (let row = first; row < end; row++) totals[labels[row]!]! += 1;
    else {
      const [train, valid, test] = sizes(end - first);
      totals[0]! += train;
      totals[1]! += valid;
      totals[2]! += test;
    }
    visit(user, totals);
  }
};

/** Row offsets of each part. */
const offsetsOfParts = (split: UserSplit, offsets: Uint32Array, labels: Uint8Array): Uint32Array<SharedArrayBuffer>[] => {
  const parts = PARTS.map(() => new Uint32Array(new SharedArrayBuffer(offsets.byteLength)));
  countUp(split, offsets, labels, (user, totals) => {
    for (let part = 0; part < totals.length; part++) parts[part]![user + 1] = totals[part]!;
  });
  return parts;
};

type Cells = { [row: number]: number };

/** Hands each number of a column to the part of its row, in order. */
const dealer = (labels: Uint8Array, targets: readonly Cells[], codes?: Float32Array): ((numbers: Numbers, at: number) => void) => {
  const next = [0, 0, 0];
  return (numbers, at) => {
    for (let i = 0; i < numbers.length; i++) {
      const part = labels[at + i]!;
      const number = numbers[i]!;
      targets[part]![next[part]!++] = codes === undefined ? number : codes[number]!;
    }
  };
};

export type RecordOptions = {
  readonly split: UserSplit;
  readonly isImplicit: boolean;
  /** The error for a user without a training record. */
  readonly onEmpty: (user: number) => Error;
};

/** Records of each part, and the row offsets of the training part. */
const countTrain = (folder: string, manifest: Manifest, { split, onEmpty }: RecordOptions) => {
  const everyone = { from: 0, to: manifest.users };
  const places = readOffsets(folder, manifest, everyone);
  const labels = split.sizes === undefined ? split.labels(everyone, places) : new Uint8Array(0);
  const trainOffsets = new Uint32Array(manifest.users + 1);
  const counts = { train: 0, valid: 0, test: 0 };
  countUp(split, places, labels, (user, totals) => {
    for (const [part, name] of PARTS.entries()) counts[name] = totals[part]!;
    if (counts.train === trainOffsets[user]) throw onEmpty(user);
    trainOffsets[user + 1] = counts.train;
  });
  return { counts, trainOffsets };
};

/**
 * The records of columns, read by ranges of users. Only the byte range of their rows is read and checked. It goes straight into its part.
 * Memory of a read: 8 B a record (16 B with times) and 12 B a user. While it lasts, 1 B a record and one block of a column more.
 * @throws MetafleetError DATA for columns that are missing, cut short or damaged. `onEmpty`'s error at once.
 */
export const recordSource = (folder: string, manifest: Manifest, options: RecordOptions): RecordSource => {
  const { split, isImplicit } = options;
  const columns = ['items', ...(isImplicit ? [] : ['values'])];
  // A column that is missing or cut short is an error now, not when its rows are asked for.
  for (const name of columns) scanColumn(folder, columnOf(folder, manifest, name), { from: 0, to: 0 }, () => {});
  const { counts } = countTrain(folder, manifest, options);
  const read: RecordSource['read'] = (first, end, times) => {
    const users = { from: first, to: end };
    const offsets = readOffsets(folder, manifest, users);
    const rows = { from: offsets[0]!, to: offsets.at(-1)! };
    const labels = split.labels(users, offsets);
    const timed = times === 'times' && manifest.columns['times'] !== undefined;
    const parts = offsetsOfParts(split, offsets, labels).map((of) => ratingsAt(of, timed));
    const deal = (name: string, targets: readonly Cells[], codes?: Float32Array): void => {
      const take = dealer(labels, targets, codes);
      scanColumn(folder, columnOf(folder, manifest, name), rows, (numbers, at) => take(numbers, at - rows.from));
    };
    const column = <K extends 'items' | 'values' | 'times'>(key: K) => parts.map((part) => part[key]!);
    deal('items', column('items'));
    if (isImplicit) for (const { values } of parts) values.fill(1);
    else deal('values', column('values'), manifest.ratingsOfCodes && Float32Array.from(manifest.ratingsOfCodes));
    if (timed) deal('times', column('times'));
    const [train, valid, test] = parts;
    return { train: train!, valid: valid!, test: test! };
  };
  return { users: manifest.users, counts, trainOffsets: () => countTrain(folder, manifest, options).trainOffsets, read };
};

/** Parts that are read when one of them is asked for. */
export const partsOf = (source: RecordSource): Parts => {
  const parts = {} as Parts;
  let whole: ReturnType<RecordSource['read']> | undefined;
  const get = (part: Part) => {
    whole ??= source.read(0, source.users, 'times');
    return whole[part];
  };
  for (const part of PARTS) Object.defineProperty(parts, part, { get: () => get(part), enumerable: true });
  // Not enumerable: parts that were copied, or sent to another thread, are not those of the source any more.
  return Object.defineProperty(parts, 'source', { value: source });
};
