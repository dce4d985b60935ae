import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { badInput } from '../../base/errors.js';
import { type Dataset, type Feedback, trainOffsetsOf } from '../dataset.js';
import { type Partition, partition } from '../splits/partition.js';
import { type SplitKind, type SplitOptions, splitSpec } from '../splits/spec.js';
import { readWhole } from './columns.js';
import { MANIFEST, type Manifest, readManifest } from './manifest.js';
import { readIds } from './read-ids.js';
import { partsOf, randomSplit, recordSource, storedSplit } from './record-source.js';

/** Whether a folder holds columns that were imported. */
export const isStore = (path: string): boolean => existsSync(join(path, MANIFEST));

export type CutOptions = {
  readonly split: SplitKind;
  readonly splitting?: Partial<SplitOptions>;
  readonly seed: number;
  readonly feedback?: Feedback;
  readonly onProgress?: (note: string) => void;
};

const emptyUser =
  (folder: string, manifest: Manifest) =>
  (user: number): Error => {
    const id = readIds(folder, manifest, 'user')?.[user] ?? user;
    return badInput('DATA', folder, 'a training rating for every user', `none for user ${id} (empty user)`);
  };

const cut = (folder: string, manifest: Manifest, feedback: Feedback, { split, splitting, seed }: CutOptions): Partition => {
  const onEmpty = emptyUser(folder, manifest);
  const isGiven = manifest.columns['parts'] !== undefined && split !== 'random';
  if (split === 'given' && !isGiven)
    throw badInput('DATA', folder, 'columns of a source with train, valid and test files (a given split)', 'no parts');
  if (split === 'auto' || split === 'random' || split === 'given') {
    const byUser = isGiven ? storedSplit(folder, manifest) : randomSplit(seed);
    const source = recordSource(folder, manifest, { split: byUser, isImplicit: feedback === 'implicit', onEmpty });
    return { parts: partsOf(source), notes: [] };
  }
  const whole = readWhole(folder, manifest, { from: 0, to: manifest.users }, feedback);
  return partition(whole, splitSpec(split, splitting), seed, { place: folder, onEmpty });
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
  const { parts, roles, users, items, notes } = cut(folder, manifest, feedback, options);
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
    users: trainOffsetsOf({ parts }).length - 1,
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
