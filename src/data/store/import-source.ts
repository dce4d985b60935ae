import { availableParallelism } from 'node:os';
import { badInput } from '../../base/errors.js';
import { fetchDataset } from '../catalogue/cache.js';
import { entryOfFolder, findEntry } from '../catalogue/catalogue.js';
import { type Found, findRatings } from '../catalogue/find.js';
import { PARTS } from '../dataset.js';
import { cachedFiles, type LoadOptions } from '../load.js';
import { layoutOf } from '../read-files.js';
import { parseSynthetic, SYNTHETIC } from '../synthetic-options.js';
import { checkRoom, writeStore } from './import.js';
import { type ImportOptions, type ImportSource, importFiles } from './import-files.js';
import type { Manifest } from './manifest.js';
import { progressOf } from './progress.js';
import { isStore } from './read.js';
import { startImportThreads } from './spill/import-threads.js';
import { writeSynthetic } from './synthetic-store.js';

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

type SourceOptions = Pick<LoadOptions, 'columns' | 'delimiter' | 'scale' | 'declared' | 'cache' | 'onProgress'>;

const locateSource = async (source: string, options: SourceOptions): Promise<ImportSource> => {
  const entry = findEntry(source);
  if (entry === undefined) {
    const found = await findRatings(source);
    const of = found.folder === undefined ? undefined : entryOfFolder(found.folder);
    const { declared } = options;
    const layout = layoutOf(options, of);
    return { name: found.name, place: source, files: filesOf(found), layout, ...(declared && { declared }) };
  }
  const { onProgress } = options;
  const folder = await fetchDataset(entry, { ...options.cache, ...(onProgress && { onProgress }) });
  const { users, items } = entry;
  const declared = entry.split === 'given' && users !== null && items !== null ? { users, items } : undefined;
  const layout = { ...entry.layout, ...(entry.scale && { scale: entry.scale }) };
  const found = await cachedFiles(entry, folder);
  return { name: found.name, place: folder, files: filesOf(found), layout, ...(declared && { declared }) };
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
    return importFiles(await locateSource(source, options), options);
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
