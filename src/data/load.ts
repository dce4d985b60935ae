import { basename, join } from 'node:path';
import { badInput } from '../base/errors.js';
import { type CacheOptions, fetchDataset } from './catalogue/cache.js';
import { type CatalogueEntry, entryOfFolder, findEntry } from './catalogue/catalogue.js';
import { type Found, findRatings } from './catalogue/find.js';
import { type Dataset, type Feedback, PARTS, type Part } from './dataset.js';
import type { Columns } from './formats/reading.js';
import { assemble } from './import/assemble.js';
import { type FileLayout, readRatings, type Scale } from './import/reader.js';
import { rowSink } from './import/row-sink.js';
import { emptyRows } from './import/rows.js';
import { withBudget } from './splits/budget.js';
import { asImplicit, resplit } from './splits/resplit.js';
import { type SplitKind, type SplitOptions, splitSpec } from './splits/spec.js';
import { ratingCount } from './splits/split.js';
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
  /** implicit: every rating counts as an interaction of value 1. Default: explicit. */
  readonly feedback?: Feedback;
  /** For a path: header names, or numbers from 1. */
  readonly columns?: Columns;
  /** For a path. Default: found from the first line. */
  readonly delimiter?: string;
  /** For a path. Default: the catalogue's if the folder bears the name of one of its sets, else the range of the data. */
  readonly scale?: { readonly lowest: number; readonly highest: number; readonly step?: number };
  /** For a path: its ids are 0 … count−1 already, whether or not all occur. */
  readonly declared?: { readonly users?: number; readonly items?: number };
  /** Share of each user's training ratings that is kept, 0 … 1; default 1. */
  readonly budget?: number;
  readonly onProgress?: (note: string) => void;
  readonly cache?: Omit<CacheOptions, 'onProgress'>;
};

export const layoutOf = (options: LoadOptions, entry: CatalogueEntry | undefined): FileLayout & Pick<LoadOptions, 'declared'> => {
  const { columns, delimiter, declared } = options;
  const scale: Scale | undefined = options.scale ? { step: 0, ...options.scale } : entry?.scale;
  if (scale !== undefined && !(scale.lowest < scale.highest && scale.step >= 0)) {
    throw badInput('DATA', 'scale', 'lowest < highest and step ≥ 0', `${scale.lowest}, ${scale.highest}, ${scale.step}`);
  }
  return {
    ...(columns && { columns }),
    ...(delimiter && { delimiter }),
    ...(declared && { declared }),
    ...(scale && { scale }),
  };
};

const read = async (
  found: Found,
  place: string,
  layout: FileLayout & Pick<LoadOptions, 'declared'>,
  options: LoadOptions,
): Promise<Dataset> => {
  const rows = emptyRows();
  const into = rowSink(rows, layout.declared);
  const partOfFile: Part[] = [];
  const given = found.kind === 'split' && ['auto', 'given'].includes(options.split);
  if (options.split === 'given' && found.kind !== 'split') {
    throw badInput(
      'DATA',
      found.kind === 'single' ? found.path : place,
      'train, valid and test files (a given split)',
      'one file of ratings',
    );
  }
  switch (found.kind) {
    case 'single':
      await readRatings(found.path, layout, into);
      break;
    case 'pooled':
      for (const path of found.paths) await readRatings(path, layout, into);
      break;
    case 'split':
      for (const part of PARTS) {
        const path = found.paths[part];
        if (path !== undefined) {
          await readRatings(path, layout, into);
          partOfFile.push(part);
        } else if (given) {
          throw badInput(
            'DATA',
            place,
            'train, valid and test files',
            `no ${part} file (another split such as 'random' would pool the others)`,
          );
        }
      }
      break;
  }
  const drawn = options.split === 'auto' || options.split === 'given' ? 'random' : options.split;
  const { seed, splitting, feedback, onProgress } = options;
  return assemble(rows, {
    name: found.name,
    place,
    split: given ? { kind: 'given', partOfFile } : { kind: 'drawn', spec: splitSpec(drawn, splitting), seed },
    ...(feedback && { feedback }),
    ...(splitting?.describedOnly === true && { describedOnly: true }),
    ...(onProgress && { onProgress }),
    ...(layout.scale && { scale: layout.scale }),
    ...(layout.declared && { declared: layout.declared }),
  });
};

/** Columns are typed already: keys that say how to parse a source have had their say when it was imported. */
const loadStore = (folder: string, options: LoadOptions): Promise<Dataset> => {
  for (const key of ['columns', 'delimiter', 'scale', 'declared'] as const) {
    if (options[key] !== undefined)
      throw badInput('DATA', key, 'none for imported columns (give it to data import)', JSON.stringify(options[key]));
  }
  return readStore(folder, options);
};

const loadPath = async (path: string, options: LoadOptions): Promise<Dataset> => {
  if (isStore(path)) return loadStore(path, options);
  const found = await findRatings(path);
  return read(found, path, layoutOf(options, found.folder === undefined ? undefined : entryOfFolder(found.folder)), options);
};

/** Where the files of a fetched set lie in its cache folder. */
export const cachedFiles = (entry: CatalogueEntry, folder: string): Found => {
  const { name, source } = entry;
  switch (source.kind) {
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
  for (const key of ['columns', 'delimiter', 'scale', 'declared'] as const) {
    if (options[key] !== undefined) throw badInput('DATA', key, `none for the catalogue's ${entry.name}`, JSON.stringify(options[key]));
  }
  const { onProgress } = options;
  const folder = await fetchDataset(entry, { ...options.cache, ...(onProgress && { onProgress }) });
  // MetaMF's ids are dense already, so that the catalogue's counts bound them.
  const declared = entry.split === 'given' ? { users: entry.users, items: entry.items } : undefined;
  const layout = { ...entry.layout, scale: entry.scale, ...(declared && { declared }) };
  const dataset = await read(cachedFiles(entry, folder), folder, layout, options);
  const ratings = PARTS.reduce((sum, part) => sum + ratingCount(dataset.parts[part]), 0);
  if (dataset.users !== entry.users || dataset.items !== entry.items || ratings !== entry.ratings) {
    const shape = (set: { users: number; items: number }, count: number) => `${set.users} users, ${set.items} items, ${count} ratings`;
    onProgress?.(`${entry.name}: expected ${shape(entry, entry.ratings)}, found ${shape(dataset, ratings)}`);
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
