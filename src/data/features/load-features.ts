import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { badInput, messageOf } from '../../base/errors.js';
import { columnsOf, featureOf, isTitle } from './build.js';
import type { Described } from './described.js';
import type { Feature } from './feature.js';
import { knownFile, type SideKind } from './known-files.js';
import { readSideFile, type SideFile } from './side-file.js';

export type FeatureOptions = {
  /** all: every column that is recognised. Names: these columns, each of which must be there. */
  readonly features: 'all' | 'none' | readonly string[];
  /** More files of users and items than those that lie with the records. */
  readonly sideFiles: readonly string[];
};

/** Reads the side files: those in the folder of the records that are known by name, and those that are named. */
export const readSideFiles = async (
  folder: string,
  { features, sideFiles }: FeatureOptions,
  onProgress?: (note: string) => void,
): Promise<readonly SideFile[]> => {
  if (features === 'none') return [];
  const names = (await readdir(folder).catch(() => [])).sort();
  const found: SideFile[] = [];
  for (const name of names) {
    if (knownFile(name) === undefined) continue;
    try {
      found.push(await readSideFile(join(folder, name)));
    } catch (error) {
      // It may be another file of that name, and most runs need no features.
      onProgress?.(`no features from a file that cannot be read: ${messageOf(error)}`);
    }
  }
  for (const path of sideFiles) found.push(await readSideFile(path));
  return found;
};

type Loaded = { readonly titles?: readonly string[]; readonly features: readonly Feature[] };

/** Titles and features of all users, or of all items. Of columns with one name the last file's counts. */
const load = (files: readonly SideFile[], ids: readonly string[], features: FeatureOptions['features']): Loaded => {
  if (files.length === 0) return { features: [] };
  const places = new Map(ids.map((id, at) => [id, at]));
  const found = new Map<string, Feature>();
  let titles: readonly string[] | undefined;
  for (const column of files.flatMap((file) => columnsOf(file, places, ids.length))) {
    const isAsked = Array.isArray(features) && features.includes(column.name);
    if (isTitle(column.name) && !isAsked) {
      titles ??= column.texts.some((texts) => texts !== undefined) ? column.texts.map((texts) => texts?.[0] ?? '') : undefined;
      continue;
    }
    if (features !== 'all' && !isAsked) continue;
    const feature = featureOf(column, isAsked);
    if (feature !== undefined) found.set(column.name, feature);
  }
  return { ...(titles && { titles }), features: [...found.values()] };
};

/** @throws MetafleetError DATA for a named feature that no file has. */
export const describeBy =
  (files: readonly SideFile[], features: FeatureOptions['features'], place: string) =>
  (userIds: readonly string[], itemIds: readonly string[]): Described => {
    const of = (kind: SideKind): readonly SideFile[] => files.filter((file) => file.of === kind);
    const users = load(of('users'), userIds, features);
    const items = load(of('items'), itemIds, features);
    const names = [...users.features, ...items.features].map(({ name }) => name);
    const missing = Array.isArray(features) ? features.find((name: string) => !names.includes(name)) : undefined;
    if (missing !== undefined) {
      const there = files.flatMap(({ columns }) => columns).join(', ') || 'no file of users or items';
      throw badInput('DATA', place, `a feature ${missing} (key features)`, there.slice(0, 200));
    }
    return {
      ...(items.titles && { itemTitles: items.titles }),
      ...(items.features.length > 0 && { itemFeatures: items.features }),
      ...(users.features.length > 0 && { userFeatures: users.features }),
    };
  };
