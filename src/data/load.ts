import { basename, dirname, join } from 'node:path';
import { badInput } from '../base/errors.js';
import { type CacheOptions, fetchDataset } from './catalogue/cache.js';
import { entryOfFolder, findEntry } from './catalogue/catalogue.js';
import type { CatalogueEntry } from './catalogue/entry.js';
import { type Found, findRatings } from './catalogue/find.js';
import { type Dataset, type Feedback, PARTS } from './dataset.js';
import { describeBy, type FeatureOptions, readSideTables } from './features/load-features.js';
import { assemble } from './import/assemble.js';
import { chosenPolicy, type FileOptions, readFiles } from './read-files.js';
import { withBudget } from './splits/budget.js';
import { asImplicit, resplit } from './splits/resplit.js';
import { type SplitKind, type SplitOptions, splitSpec } from './splits/spec.js';
import { ratingCount } from './splits/split.js';
import { knownFrom, readSplitManifest } from './splits/split-files.js';
import { isStore, readStore } from './store/read.js';
import { synthesize } from './synthetic.js';
import { parseSynthetic, SYNTHETIC } from './synthetic-options.js';

export type LoadOptions = {
  /** 'given': the source's own split, an error if it has none. 'auto': given, else random. Others pool all files, and draw. */
  readonly split: SplitKind;
  /** Numbers of a split. Default: SPLIT_DEFAULTS. */
  readonly splitting?: Partial<SplitOptions> & { readonly describedOnly?: boolean };
  /** Of a drawn split, and of a synthetic set as a whole. */
  readonly seed: number;
  /** implicit: every rating counts as an interaction of value 1. Default: as the files are. */
  readonly feedback?: Feedback;
  /** Titles and features from side files. Default: all that are recognised. */
  readonly features?: FeatureOptions['features'];
  /** Files of users and items in addition to those in the folder of the records. */
  readonly sideFiles?: readonly string[];
  /** Share of each user's training ratings that is kept, 0 … 1; default 1. */
  readonly budget?: number;
  readonly cache?: Omit<CacheOptions, 'onProgress'>;
} & FileOptions;

const read = async (found: Found, place: string, options: LoadOptions, known: CatalogueEntry | undefined): Promise<Dataset> => {
  const given = found.kind === 'split' && ['auto', 'given'].includes(options.split);
  if (options.split === 'given' && found.kind !== 'split') {
    const at = found.kind === 'single' ? found.path : place;
    throw badInput('DATA', at, 'train, valid and test files (a given split)', 'one file of ratings');
  }
  const written = given && found.paths.train !== undefined ? await readSplitManifest(dirname(found.paths.train)) : undefined;
  // A part without records has no file.
  const missing =
    found.kind === 'split' && given && written === undefined ? PARTS.find((part) => found.paths[part] === undefined) : undefined;
  if (missing !== undefined) {
    const pooled = `no ${missing} file (another split such as 'random' would pool the others)`;
    throw badInput('DATA', place, 'train, valid and test files', pooled);
  }
  const { rows, partOfFile, feedback, scale } = await readFiles(found, place, options, known);
  const drawn = options.split === 'auto' || options.split === 'given' ? 'random' : options.split;
  const { seed, splitting, features = 'all', sideFiles = [], onProgress, declared } = options;
  const tables = await readSideTables(found.side, { features, sideFiles }, onProgress);
  return assemble(rows, {
    name: found.name,
    place,
    split: given
      ? { kind: 'given', partOfFile, ...(written && { known: knownFrom(written) }) }
      : { kind: 'drawn', spec: splitSpec(drawn, splitting), seed },
    feedback: options.feedback ?? written?.feedback ?? feedback,
    describe: describeBy(tables, features, place),
    ...(splitting?.describedOnly === true && { describedOnly: true }),
    ...(onProgress && { onProgress }),
    ...((scale ?? written?.scale) && { scale: scale ?? written!.scale }),
    ...(declared && { declared }),
  });
};

/** Columns are typed already: keys that say how to parse a source have had their say when it was imported. */
const loadStore = (folder: string, options: LoadOptions): Promise<Dataset> => {
  const { columns, delimiter, encoding, header, scale, declared, policies = {}, sideFiles = [] } = options;
  const policy = chosenPolicy(policies);
  const parsing = {
    ...{ columns, delimiter, encoding, header, scale, declared },
    ...(sideFiles.length > 0 && { sideFiles }),
    ...(policy !== undefined && { [policy]: policies[policy as keyof typeof policies] }),
  };
  for (const [key, value] of Object.entries(parsing)) {
    if (value !== undefined) throw badInput('DATA', key, 'none for imported columns (give it to data import)', JSON.stringify(value));
  }
  return readStore(folder, options);
};

const loadPath = async (path: string, options: LoadOptions): Promise<Dataset> => {
  if (isStore(path)) return loadStore(path, options);
  const found = await findRatings(path);
  return read(found, path, options, found.folder === undefined ? undefined : entryOfFolder(found.folder));
};

/** Where the files of a fetched set lie in its cache folder. */
export const cachedFiles = async (entry: CatalogueEntry, folder: string): Promise<Found> => {
  const { name, source } = entry;
  switch (source.kind) {
    case 'page':
      return findRatings(folder);
    case 'npm':
    case 'zip':
      return { kind: 'single', name, folder, side: [], path: join(folder, basename(source.member)) };
    case 'files': {
      const [train, valid, test] = source.addresses.map((address) => join(folder, basename(new URL(address).pathname)));
      return { kind: 'split', name, folder, side: [], paths: { train: train!, valid: valid!, test: test! } };
    }
  }
};

const loadEntry = async (entry: CatalogueEntry, options: LoadOptions): Promise<Dataset> => {
  for (const key of ['columns', 'delimiter', 'encoding', 'header', 'scale', 'declared'] as const) {
    if (options[key] !== undefined) throw badInput('DATA', key, `none for the catalogue's ${entry.name}`, JSON.stringify(options[key]));
  }
  const { onProgress } = options;
  const folder = await fetchDataset(entry, { ...options.cache, ...(onProgress && { onProgress }) });
  // MetaMF's ids are dense already, so that the catalogue's counts bound them.
  const { users, items } = entry;
  const declared = entry.split === 'given' && users !== null && items !== null ? { users, items } : undefined;
  const { columns, delimiter, encoding } = entry.layout;
  const layout = { ...(columns && { columns }), ...(delimiter && { delimiter }), ...(encoding && { encoding }) };
  const dataset = await read(await cachedFiles(entry, folder), folder, { ...options, ...layout, ...(declared && { declared }) }, entry);
  const ratings = PARTS.reduce((sum, part) => sum + ratingCount(dataset.parts[part]), 0);
  const found = [dataset.users, dataset.items, ratings];
  const published = [users, items, entry.ratings];
  if (published.some((count, at) => count !== null && count !== found[at])) {
    const shape = ([m, n, count]: readonly (number | null)[]) => `${m ?? '-'} users, ${n ?? '-'} items, ${count ?? '-'} ratings`;
    onProgress?.(`${entry.name}: expected ${shape(published)}, found ${shape(found)}`);
  }
  return dataset;
};

/**
 * Loads a dataset: a catalogue name; `synthetic:users=1000,items=500,…` (see synthetic-options.ts); or the path of a file, a
 * folder, or columns that were imported (src/data/store). A catalogue name wins over a path of that name (write ./ml-1m for the folder).
 * Returns m users × n items in three parts, in shared memory; n counts the items of all three.
 * @throws MetafleetError DATA for what is wrong with the data (`file:line: expected …, found …`), FETCH for getting it.
 */
export const loadDataset = async (source: string, options: LoadOptions): Promise<Dataset> => {
  const { seed, budget = 1 } = options;
  if (!Number.isSafeInteger(seed)) throw badInput('DATA', 'seed', 'an integer', `${seed}`);
  if (!(budget > 0 && budget <= 1)) throw badInput('DATA', 'budget', 'a share above 0, at most 1', `${budget}`);
  return withBudget(await loadWhole(source, options), budget, seed);
};

const loadWhole = async (source: string, options: LoadOptions): Promise<Dataset> => {
  if (source.startsWith(SYNTHETIC)) {
    if (options.split === 'given') throw badInput('DATA', source, 'a set that has a split (a given split)', 'a synthetic one');
    const { split, splitting, seed, feedback, onProgress } = options;
    const drawn = synthesize(parseSynthetic(source), seed);
    const cut = split === 'auto' || split === 'random' ? drawn : resplit(drawn, splitSpec(split, splitting), seed, onProgress);
    return feedback === 'implicit' ? asImplicit(cut) : cut;
  }
  const entry = findEntry(source);
  return entry === undefined ? loadPath(source, options) : loadEntry(entry, options);
};
