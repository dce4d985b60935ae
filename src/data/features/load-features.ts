import { basename } from 'node:path';
import { badInput, isMetafleetError, messageOf } from '../../base/errors.js';
import { readSideFile, type SideFile, type SideRow, sideFilesAmong } from '../formats/side-files.js';
import { columnsOf, featureOf, isTitle } from './build.js';
import type { Described } from './described.js';
import type { Feature } from './feature.js';

export type FeatureOptions = {
  /** all: every column that is recognised. Names: these columns, each of which must be there. */
  readonly features: 'all' | 'none' | readonly string[];
  /** More files of users and items than those that lie with the records. */
  readonly sideFiles: readonly string[];
};

/** What was read of users or items, file by file. */
export type SideTable = { readonly kind: SideFile['kind']; readonly rows: readonly SideRow[] };

const readTable = async (file: SideFile): Promise<SideTable> => {
  const rows: SideRow[] = [];
  await readSideFile(file, (row) => rows.push(row));
  return { kind: file.kind, rows };
};

/** A file that a user names: of items or of users, as its name or its header says. */
const readNamed = async (path: string): Promise<SideTable> => {
  const [known] = sideFilesAmong([basename(path)], () => path);
  if (known !== undefined) return readTable(known);
  const layout = { kind: 'delimited' } as const;
  try {
    return await readTable({ kind: 'items', path, layout });
  } catch (error) {
    if (!isMetafleetError(error, 'DATA')) throw error;
    return readTable({ kind: 'users', path, layout }).catch(() => {
      throw error;
    });
  }
};

/** Reads the side files: those that lie with the records, and those that are named. */
export const readSideTables = async (
  found: readonly SideFile[],
  { features, sideFiles }: FeatureOptions,
  onProgress?: (note: string) => void,
): Promise<readonly SideTable[]> => {
  if (features === 'none') return [];
  const tables: SideTable[] = [];
  for (const file of found) {
    try {
      tables.push(await readTable(file));
    } catch (error) {
      // It may be another file of that name, and most runs need no features.
      onProgress?.(`no features from a file that cannot be read: ${messageOf(error)}`);
    }
  }
  for (const path of sideFiles) tables.push(await readNamed(path));
  return tables;
};

type Loaded = { readonly titles?: readonly string[]; readonly features: readonly Feature[] };

/** Titles and features of all users, or of all items. Of columns with one name the last file's counts. */
const load = (tables: readonly SideTable[], ids: readonly string[], features: FeatureOptions['features']): Loaded => {
  if (tables.length === 0) return { features: [] };
  const places = new Map(ids.map((id, at) => [id, at]));
  const found = new Map<string, Feature>();
  let titles: readonly string[] | undefined;
  for (const column of tables.flatMap(({ rows }) => columnsOf(rows, places, ids.length))) {
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
  (tables: readonly SideTable[], features: FeatureOptions['features'], place: string) =>
  (userIds: readonly string[], itemIds: readonly string[]): Described => {
    const of = (kind: SideFile['kind']): readonly SideTable[] => tables.filter((table) => table.kind === kind);
    const users = load(of('users'), userIds, features);
    const items = load(of('items'), itemIds, features);
    const names = [...users.features, ...items.features].map(({ name }) => name);
    const missing = Array.isArray(features) ? features.find((name: string) => !names.includes(name)) : undefined;
    if (missing !== undefined) {
      const there = new Set(tables.flatMap(({ rows }) => [...(rows[0]?.columns.keys() ?? [])]));
      throw badInput(
        'DATA',
        place,
        `a feature ${missing} (key features)`,
        [...there].join(', ').slice(0, 200) || 'no file of users or items',
      );
    }
    return {
      ...(items.titles && { itemTitles: items.titles }),
      ...(items.features.length > 0 && { itemFeatures: items.features }),
      ...(users.features.length > 0 && { userFeatures: users.features }),
    };
  };
