import { availableParallelism } from 'node:os';
import { badInput } from '../../base/errors.js';
import { fetchDataset } from '../catalogue/cache.js';
import { entryOfFolder, findEntry } from '../catalogue/catalogue.js';
import type { CatalogueEntry } from '../catalogue/entry.js';
import { type Found, findRatings } from '../catalogue/find.js';
import { PARTS } from '../dataset.js';
import { describeBy, type FeatureOptions, readSideTables } from '../features/load-features.js';
import { type Gathered, gather } from '../import/assemble.js';
import { cachedFiles, type LoadOptions } from '../load.js';
import { type FileOptions, layoutOf, needsAllRows, notesOf, readFiles } from '../read-files.js';
import { splitSpec } from '../splits/spec.js';
import { readSplitManifest } from '../splits/split-files.js';
import { parseSynthetic, SYNTHETIC } from '../synthetic-options.js';
import { writeDescribed } from './described.js';
import { checkRoom, hashAll, writeStore } from './import.js';
import { type ImportOptions, type ImportSource, importFiles } from './import-files.js';
import type { Manifest } from './manifest.js';
import { progressOf } from './progress.js';
import { isStore } from './read.js';
import { startImportThreads } from './spill/import-threads.js';
import { writeSynthetic } from './synthetic-store.js';
import { writeGathered } from './write-gathered.js';

const filesOf = (found: Found): ImportSource['files'] => {
  switch (found.kind) {
    case 'single':
      return [{ path: found.path }];
    case 'pooled':
      return found.paths.map((path) => ({ path }));
    case 'split': {
      const given = PARTS.every((part) => found.paths[part] !== undefined);
      return PARTS.flatMap((part) => {
        const path = found.paths[part];
        return path === undefined ? [] : [given ? { path, part } : { path }];
      });
    }
  }
};

type SourceOptions = FileOptions & Partial<FeatureOptions> & Pick<LoadOptions, 'feedback' | 'cache'>;

/** The files of a source, and the set of the catalogue that they are, or are a copy of. */
type Located = {
  readonly found: Found;
  readonly place: string;
  readonly entry?: CatalogueEntry | undefined;
  readonly options: SourceOptions;
};

const locateSource = async (source: string, options: SourceOptions): Promise<Located> => {
  const entry = findEntry(source);
  if (entry === undefined) {
    const found = await findRatings(source);
    if (found.kind === 'split' && (await readSplitManifest(source)) !== undefined)
      throw badInput('DATA', source, 'a source that is not split yet (a run draws the same split by its seed)', 'the files of data split');
    return { found, place: source, options, entry: found.folder === undefined ? undefined : entryOfFolder(found.folder) };
  }
  const { onProgress } = options;
  const folder = await fetchDataset(entry, { ...options.cache, ...(onProgress && { onProgress }) });
  const { users, items, layout } = entry;
  const declared = entry.split === 'given' && users !== null && items !== null ? { users, items } : undefined;
  const { columns, delimiter, encoding } = layout;
  const known = { ...(columns && { columns }), ...(delimiter && { delimiter }), ...(encoding && { encoding }) };
  return {
    found: await cachedFiles(entry, folder),
    place: folder,
    entry,
    options: { ...options, ...known, ...(declared && { declared }) },
  };
};

/** The set as `importFiles` streams it. */
const streamed = ({ found, place, entry, options }: Located): ImportSource => {
  const { declared, feedback } = options;
  const files = filesOf(found);
  return {
    ...{ name: found.name, place, files, layout: layoutOf(options, entry) },
    ...(declared && { declared }),
    ...(feedback && { feedback }),
    notesOf: (reading) => notesOf(reading, options),
  };
};

/** Reads all rows into memory, as a run does: policies that look at several rows at once need them. */
const gatherFiles = async ({ found, place, entry, options }: Located): Promise<Gathered> => {
  const { rows, partOfFile, feedback, scale } = await readFiles(found, place, options, entry);
  const given = PARTS.every((part) => partOfFile.includes(part));
  return gather(rows, {
    name: found.name,
    place,
    split: given ? { kind: 'given', partOfFile } : { kind: 'drawn', spec: splitSpec('random'), seed: 0 },
    feedback: options.feedback ?? feedback,
    ...(scale && { scale }),
    ...(options.declared && { declared: options.declared }),
  });
};

const importLocated = async (located: Located, options: SourceOptions & ImportOptions): Promise<Manifest> => {
  const { found, place } = located;
  const { features = 'all', sideFiles = [], out, force = false, onProgress, policies = {} } = options;
  const tables = await readSideTables(found.side, { features, sideFiles }, onProgress);
  const describe = describeBy(tables, features, place);
  const needsDescription = tables.length > 0 || Array.isArray(features);
  if (!needsAllRows(policies)) return importFiles({ ...streamed(located), ...(needsDescription && { describe }) }, options);
  const gathered = await gatherFiles(located);
  const threads = startImportThreads(1);
  try {
    return await writeStore(out, force, async (folder) => {
      const { manifest, columns } = writeGathered(folder, gathered);
      const described = writeDescribed(folder, describe(gathered.userIds, gathered.itemIds));
      const hashed = await hashAll(threads, folder, { ...columns, ...described.columns });
      return { ...manifest, ...described.manifest, columns: hashed };
    });
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
};

/** Temporary and final bytes of a rating of a synthetic set. */
const SYNTHETIC_BYTES = 8;

/**
 * Writes the columns of any source that loads: a file or folder, a name of the catalogue, or a synthetic set (of `seed`).
 * @throws MetafleetError DATA for what is wrong with the source, the disk or the folder `out`; FETCH for a download.
 */
export const importSource = async (
  source: string,
  options: SourceOptions & ImportOptions & { readonly seed?: number },
): Promise<Manifest> => {
  const { out, force = false, seed = 1, onProgress } = options;
  if (!source.startsWith(SYNTHETIC)) {
    if (isStore(source)) throw badInput('DATA', source, 'a source that is not imported yet', 'columns');
    return importLocated(await locateSource(source, options), options);
  }
  const synthetic = parseSynthetic(source);
  await checkRoom(out, SYNTHETIC_BYTES * synthetic.ratings);
  const threads = startImportThreads(options.threads ?? availableParallelism());
  try {
    const progress = progressOf('drawing', synthetic.ratings, 'ratings', onProgress);
    return await writeStore(out, force, (folder) => writeSynthetic(threads, folder, 'synthetic', synthetic, seed, progress));
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
};
