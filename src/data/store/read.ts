import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { badInput } from '../../base/errors.js';
import type { Dataset, Feedback, Parts } from '../dataset.js';
import { selectFeature } from '../features/described.js';
import type { Feature } from '../features/feature.js';
import type { FeatureOptions } from '../features/load-features.js';
import { composed, describedItems, IMPLICIT_SCALE } from '../import/assemble.js';
import { type Partition, partition, partitionBy } from '../splits/partition.js';
import { type SplitKind, type SplitOptions, splitSpec } from '../splits/spec.js';
import { withItems } from '../splits/whole.js';
import { readOffsets, readWhole } from './columns.js';
import { featureNames, missingFeature, namedFeatures, readFeatures, readTitles } from './described.js';
import { MANIFEST, type Manifest, readManifest } from './manifest.js';
import { readIds } from './read-ids.js';
import { partsOf, randomSplit, recordSource, storedSplit } from './record-source.js';

/** Whether a folder holds columns that were imported. */
export const isStore = (path: string): boolean => existsSync(join(path, MANIFEST));

export type CutOptions = {
  readonly split: SplitKind;
  readonly splitting?: Partial<SplitOptions> & { readonly describedOnly?: boolean };
  /** Default: all. */
  readonly features?: FeatureOptions['features'];
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

/** Parts that are read when they are asked for; undefined where a split needs all records at once. */
const cutByUser = (folder: string, manifest: Manifest, feedback: Feedback, { split, splitting, seed }: CutOptions): Parts | undefined => {
  const isGiven = manifest.columns['parts'] !== undefined && split !== 'random';
  if (split === 'given' && !isGiven)
    throw badInput('DATA', folder, 'columns of a source with train, valid and test files (a given split)', 'no parts');
  if (splitting?.describedOnly === true || !['auto', 'random', 'given'].includes(split)) return undefined;
  const byUser = isGiven ? storedSplit(folder, manifest) : randomSplit(seed);
  const onEmpty = emptyUser(folder, manifest);
  return partsOf(recordSource(folder, manifest, { split: byUser, isImplicit: feedback === 'implicit', onEmpty }));
};

/** Parts of all records, or of those of items that have every feature. */
const cutWhole = (folder: string, manifest: Manifest, feedback: Feedback, options: CutOptions): Partition => {
  const { split, splitting, seed, features = 'all' } = options;
  const everyone = { from: 0, to: manifest.users };
  const all = readWhole(folder, manifest, everyone, feedback);
  const itemFeatures = readFeatures(folder, manifest, 'item', features) ?? [];
  const described = splitting?.describedOnly === true ? describedItems({ itemFeatures }, manifest.items, folder) : undefined;
  const whole = described === undefined ? all : withItems(all, described);
  const rest = { place: folder, ...(described === undefined && { onEmpty: emptyUser(folder, manifest) }) };
  const isGiven = manifest.columns['parts'] !== undefined && (split === 'auto' || split === 'given');
  if (!isGiven) {
    const spec = splitSpec(split === 'auto' || split === 'given' ? 'random' : split, splitting);
    const cut = partition(whole, spec, seed, rest);
    const items = composed(described, cut.items);
    return { ...cut, ...(items && { items }) };
  }
  const allowed = described && new Set(described);
  const rows = storedSplit(folder, manifest)
    .labels(everyone, readOffsets(folder, manifest, everyone))
    .filter((_, row) => allowed?.has(all.items[row]!) !== false);
  return { ...partitionBy(whole, { rows, leavesOut: false, notes: [] }, rest), ...(described && { items: described }) };
};

/** Adds what is read when it is first asked for: a run needs no ids, and few features. */
const lazily = <K extends keyof Dataset>(dataset: Dataset, key: K, read: () => Dataset[K]): void => {
  let held: { readonly value: Dataset[K] } | undefined;
  const get = (): Dataset[K] => {
    held ??= { value: read() };
    return held.value;
  };
  Object.defineProperty(dataset, key, { get, enumerable: true });
};

const of = <T>(list: readonly T[] | undefined, chosen: Uint32Array | undefined): readonly T[] | undefined =>
  chosen === undefined || list === undefined ? list : Array.from(chosen, (at) => list[at]!);

/**
 * Columns on disk → the dataset that their source gives with the same split and seed, bit for bit. Nothing is parsed.
 * @throws MetafleetError DATA for columns that are missing, cut short or damaged, and for a split that they cannot serve.
 */
export const readStore = async (folder: string, options: CutOptions): Promise<Dataset> => {
  const manifest = await readManifest(folder);
  const { features = 'all', seed } = options;
  const feedback = options.feedback ?? manifest.feedback;
  const missing = missingFeature(manifest, features);
  if (missing !== undefined) throw badInput('DATA', folder, `a feature ${missing} (key features)`, featureNames(manifest));
  const byUser = cutByUser(folder, manifest, feedback, options);
  const cut: Partition = byUser === undefined ? cutWhole(folder, manifest, feedback, options) : { parts: byUser, notes: [] };
  const { parts, roles, users, items, notes } = cut;
  for (const note of notes) options.onProgress?.(note);
  const { synthetic } = manifest;
  const dataset: Dataset = {
    name: manifest.name,
    users: parts.source?.users ?? parts.train.offsets.length - 1,
    items: items?.length ?? manifest.items,
    scale: feedback === 'implicit' ? IMPLICIT_SCALE : manifest.scale,
    feedback,
    parts,
    ...(roles && { roles }),
    ...(synthetic && { bestMse: synthetic.seed === seed ? synthetic.bestMse : synthetic.noise ** 2 }),
  };
  if (manifest.userIds !== 'none') lazily(dataset, 'userIds', () => of(readIds(folder, manifest, 'user'), users)!);
  if (manifest.itemIds !== 'none') lazily(dataset, 'itemIds', () => of(readIds(folder, manifest, 'item'), items)!);
  if (features === 'none') return dataset;
  if (manifest.itemTitles === true) lazily(dataset, 'itemTitles', () => of(readTitles(folder, manifest), items)!);
  for (const [kind, chosen] of [
    ['item', items],
    ['user', users],
  ] as const) {
    if (namedFeatures(manifest, kind, features).length === 0) continue;
    const select = (feature: Feature): Feature => (chosen === undefined ? feature : selectFeature(feature, chosen));
    lazily(dataset, `${kind}Features`, () => readFeatures(folder, manifest, kind, features)!.map(select));
  }
  return dataset;
};
