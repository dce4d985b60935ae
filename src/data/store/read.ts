import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { badInput } from '../../base/errors.js';
import type { Dataset, Feedback } from '../dataset.js';
import type { Whole } from '../splits/labels.js';
import { type Partition, partition, partitionBy } from '../splits/partition.js';
import { type SplitKind, type SplitOptions, splitSpec } from '../splits/spec.js';
import { scanColumn } from './column-file.js';
import { MANIFEST, type Manifest, readManifest } from './manifest.js';
import { readIds } from './read-ids.js';

/** Whether a folder holds columns that were imported. */
export const isStore = (path: string): boolean => existsSync(join(path, MANIFEST));

type Range = { readonly from: number; readonly to: number };

const columnOf = (folder: string, manifest: Manifest, name: string) => {
  const column = manifest.columns[name];
  if (column === undefined) throw badInput('DATA', join(folder, MANIFEST), `the column ${name}`, Object.keys(manifest.columns).join(', '));
  return column;
};

/** Row offsets of users [from, to), and the end of the last: counted from the first row of the set. */
const readOffsets = async (folder: string, manifest: Manifest, { from, to }: Range): Promise<Uint32Array<SharedArrayBuffer>> => {
  const offsets = new Uint32Array(new SharedArrayBuffer(4 * (to - from + 1)));
  await scanColumn(folder, columnOf(folder, manifest, 'offsets'), { from, to: to + 1 }, (numbers, at) => offsets.set(numbers, at - from));
  return offsets;
};

/**
 * The records of users [from, to): only the byte range of their rows is read and checked. Values are 1 where `feedback` is implicit.
 * Cost: 8 B a record, 16 B with times, and one block of a column.
 */
export const readWhole = async (folder: string, manifest: Manifest, range: Range, feedback: Feedback): Promise<Whole> => {
  const offsets = await readOffsets(folder, manifest, range);
  const first = offsets[0]!;
  const rows = { from: first, to: offsets.at(-1)! };
  const count = rows.to - rows.from;
  for (let user = 0; user < offsets.length; user++) offsets[user]! -= first;
  const items = new Uint32Array(new SharedArrayBuffer(4 * count));
  const values = new Float32Array(new SharedArrayBuffer(4 * count));
  await scanColumn(folder, columnOf(folder, manifest, 'items'), rows, (numbers, at) => items.set(numbers, at - first));
  const { ratingsOfCodes } = manifest;
  const codes = ratingsOfCodes === undefined ? undefined : Float32Array.from(ratingsOfCodes);
  if (feedback === 'implicit') values.fill(1);
  else {
    await scanColumn(folder, columnOf(folder, manifest, 'values'), rows, (numbers, at) => {
      if (codes === undefined) values.set(numbers, at - first);
      else for (let i = 0, row = at - first; i < numbers.length; i++, row++) values[row] = codes[numbers[i]!]!;
    });
  }
  const whole = { offsets, items, values, users: range.to - range.from, itemCount: manifest.items };
  if (manifest.columns['times'] === undefined) return whole;
  const times = new Float64Array(new SharedArrayBuffer(8 * count));
  await scanColumn(folder, manifest.columns['times'], rows, (numbers, at) => times.set(numbers, at - first));
  return { ...whole, times };
};

export type CutOptions = {
  readonly split: SplitKind;
  readonly splitting?: Partial<SplitOptions>;
  readonly seed: number;
  readonly feedback?: Feedback;
  readonly onProgress?: (note: string) => void;
};

const cut = async (folder: string, manifest: Manifest, whole: Whole, options: CutOptions): Promise<Partition> => {
  const { split, splitting, seed } = options;
  const { parts } = manifest.columns;
  const onEmpty = (user: number): Error =>
    badInput(
      'DATA',
      folder,
      'a training rating for every user',
      `none for user ${readIds(folder, manifest, 'user')?.[user] ?? user} (empty user)`,
    );
  if (parts === undefined || (split !== 'auto' && split !== 'given')) {
    if (split === 'given')
      throw badInput('DATA', folder, 'columns of a source with train, valid and test files (a given split)', 'no parts');
    return partition(whole, splitSpec(split === 'auto' ? 'random' : split, splitting), seed, { place: folder, onEmpty });
  }
  const rows = new Uint8Array(manifest.ratings);
  await scanColumn(folder, parts, { from: 0, to: manifest.ratings }, (numbers, at) => rows.set(numbers, at));
  return partitionBy(whole, { rows, leavesOut: false, notes: [] }, { place: folder, onEmpty });
};

/** Of implicit feedback: its only value is 1. */
const IMPLICIT_SCALE: Dataset['scale'] = { lowest: 0, highest: 1, step: 1 };

/**
 * Columns on disk → the dataset that their source gives with the same split and seed, bit for bit. Nothing is parsed.
 * @throws MetafleetError DATA for columns that are missing, cut short or damaged, and for a split that they cannot serve.
 */
export const readStore = async (folder: string, options: CutOptions): Promise<Dataset> => {
  const manifest = await readManifest(folder);
  const feedback = options.feedback ?? manifest.feedback;
  const whole = await readWhole(folder, manifest, { from: 0, to: manifest.users }, feedback);
  const { parts, roles, users, items, notes } = await cut(folder, manifest, whole, options);
  for (const note of notes) options.onProgress?.(note);
  const { synthetic } = manifest;
  const named = (of: 'user' | 'item', chosen: Uint32Array | undefined): readonly string[] | undefined => {
    const ids = readIds(folder, manifest, of);
    return chosen === undefined || ids === undefined ? ids : Array.from(chosen, (at) => ids[at]!);
  };
  const ids: { userIds?: readonly string[]; itemIds?: readonly string[] } = {};
  const lazily = (name: 'userIds' | 'itemIds', of: 'user' | 'item', chosen: Uint32Array | undefined): void => {
    let held: readonly string[] | undefined;
    const get = (): readonly string[] => {
      held ??= named(of, chosen)!;
      return held;
    };
    Object.defineProperty(ids, name, { get, enumerable: true });
  };
  const dataset: Dataset = {
    name: manifest.name,
    users: parts.train.offsets.length - 1,
    items: items?.length ?? manifest.items,
    scale: feedback === 'implicit' ? IMPLICIT_SCALE : manifest.scale,
    feedback,
    parts,
    ...(roles && { roles }),
    ...(synthetic && { bestMse: synthetic.seed === options.seed ? synthetic.bestMse : synthetic.noise ** 2 }),
  };
  if (manifest.userIds !== 'none') lazily('userIds', 'user', users);
  if (manifest.itemIds !== 'none') lazily('itemIds', 'item', items);
  return Object.defineProperties(dataset, Object.getOwnPropertyDescriptors(ids));
};
