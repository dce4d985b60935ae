import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, posix, resolve } from 'node:path';
import { badInput, MetafleetError, messageOf } from '../../base/errors.js';
import { innerName, isZip } from '../containers/open.js';
import { zipNames } from '../containers/zip.js';
import { PARTS, type Part } from '../dataset.js';
import { type SideFile, sideFilesAmong } from '../formats/side-files.js';
import { catalogueNames } from './catalogue.js';

/**
 * The rating files at a path: one to be split, several that are pooled and then split, or up to three that are split already.
 * `folder`: the name of the folder they lie in. `side`: files of attributes next to them.
 */
export type Found = { readonly name: string; readonly folder: string | undefined; readonly side: readonly SideFile[] } & (
  | { readonly kind: 'single'; readonly path: string }
  | { readonly kind: 'pooled'; readonly paths: readonly string[] }
  | { readonly kind: 'split'; readonly paths: Partial<Record<Part, string>> }
);

const ENDINGS = 'tsv|csv|txt|dat|data|rating|ratings|inter|json|jsonl|ndjson|parquet|arrow|feather';

/** `train.tsv`, or with a set's name before it, `ciao.train.rating`: MetaMF's repository keeps four sets in one folder. */
const SPLIT_FILE = new RegExp(`^(?:(.+)[._-])?(train|valid|validation|val|test)\\.(${ENDINGS})$`);
const SPLIT_NAMES: Readonly<Record<string, Part>> = {
  train: 'train',
  valid: 'valid',
  validation: 'valid',
  val: 'valid',
  test: 'test',
};

/** Whole rating files as the known sets call them, in order of preference. */
const SINGLE_FILES = [
  ...[
    'ratings.dat',
    'ratings.csv',
    'ratings.tsv',
    'u.data',
    'ratings_small.csv',
    'user_ratedmovies.dat',
    'user_ratedmovies-timestamps.dat',
  ],
  ...[
    'explicit.tsv',
    'BX-Book-Ratings.csv',
    'Ratings.csv',
    'ratings.txt',
    'rating.csv',
    'rating.txt',
    'ratings_data.txt',
    'user_artists.dat',
  ],
  ...['movie-ratings.txt', 'yelp_academic_dataset_review.json', 'review.json', 'steam-200k.csv', 'events.csv', 'UserBehavior.csv'],
  ...['goodreads_interactions.csv', 'RAW_interactions.csv', 'interactions.csv', 'interactions.tsv', 'big_matrix.csv', 'users.dat'],
  ...['usersha1-artmbid-artname-plays.tsv', 'userid-timestamp-artid-artname-traid-traname.tsv', 'train_triplets.txt'],
] as const;
/** Names that say nothing where another file of the set is there: CiteULike's `users.dat` is the users of MovieLens, too. */
const AMBIGUOUS = new Set<string>(['users.dat']);

/** Parts of one set, to be pooled. */
const POOLED = [/^combined_data_\d+\.txt$/, /^mv_\d+\.txt$/, /^jester-data-\d+\.(csv|txt)$/, /^part-\d+.*\.parquet$/] as const;

/** The names of files in one folder of a place, and how a name becomes a path that can be opened. */
type Listing = {
  readonly place: string;
  readonly folder: string;
  readonly names: readonly string[];
  readonly pathOf: (name: string) => string;
};

/** Split files in a folder by their prefix ('' = none). */
const splitsIn = ({ place, names, pathOf }: Listing): Map<string, Partial<Record<Part, string>>> => {
  const splits = new Map<string, Partial<Record<Part, string>>>();
  for (const name of names) {
    const [, prefix = '', word] = SPLIT_FILE.exec(innerName(name)) ?? [];
    const part = word === undefined ? undefined : SPLIT_NAMES[word];
    if (part === undefined) continue;
    const split = splits.get(prefix) ?? {};
    if (split[part] !== undefined) throw badInput('DATA', place, `one ${part} file`, `${basename(split[part])} and ${name}`);
    splits.set(prefix, { ...split, [part]: pathOf(name) });
  }
  return splits;
};

const complete = (split: Partial<Record<Part, string>>): boolean => PARTS.every((part) => split[part] !== undefined);

/** The rating files among the names of one folder; undefined where none is known to be one. */
const inListing = (listing: Listing): Found | undefined => {
  const { place, folder, names, pathOf } = listing;
  const rest = { folder, side: sideFilesAmong(names, pathOf) };
  const splits = splitsIn(listing);
  const whole = [...splits].filter(([, split]) => complete(split));
  if (whole.length > 1) {
    const sets = whole.map(([prefix]) => join(place, prefix)).join(', ');
    throw badInput('DATA', place, 'the files of one dataset', `several: name one of ${sets}`);
  }
  if (whole.length === 1) return { kind: 'split', name: whole[0]![0] || folder, paths: whole[0]![1], ...rest };
  const called = (wanted: string): string | undefined => names.find((name) => innerName(name) === wanted);
  for (const wanted of SINGLE_FILES) {
    const single = called(wanted);
    if (single !== undefined && !(AMBIGUOUS.has(wanted) && names.length > 2))
      return { kind: 'single', name: folder, path: pathOf(single), ...rest };
  }
  for (const pattern of POOLED) {
    const pooled = names.filter((name) => pattern.test(innerName(name)));
    if (pooled.length > 0) return { kind: 'pooled', name: folder, paths: pooled.map(pathOf), ...rest };
  }
  const inter = names.filter((name) => innerName(name).endsWith('.inter') && !SPLIT_FILE.test(innerName(name)));
  if (inter.length === 1) return { kind: 'single', name: folder, path: pathOf(inter[0]!), ...rest };
  const [partial, ...more] = splits;
  if (partial !== undefined && more.length === 0) return { kind: 'split', name: partial[0] || folder, paths: partial[1], ...rest };
  // A file that may hold ratings, alone.
  const candidates = names.filter((name) => new RegExp(`\\.(${ENDINGS})$`, 'i').test(innerName(name)) && !/readme|licen[cs]e/i.test(name));
  const others = candidates.filter((name) => !rest.side.some(({ path }) => path === pathOf(name)));
  return others.length === 1 ? { kind: 'single', name: folder, path: pathOf(others[0]!), ...rest } : undefined;
};

const nothing = (place: string, names: readonly string[]) =>
  badInput(
    'DATA',
    place,
    `train, valid and test files or one of ${SINGLE_FILES.slice(0, 8).join(', ')} …, or the path of one file`,
    names.slice(0, 6).join(', ') || 'an empty folder',
  );

const inFolder = async (path: string): Promise<Found> => {
  const names = (await readdir(path)).sort();
  const found = inListing({ place: path, folder: basename(resolve(path)), names, pathOf: (name) => join(path, name) });
  if (found !== undefined) return found;
  // Netflix's movies lie in a folder of their own.
  if (names.includes('training_set')) return { ...(await inFolder(join(path, 'training_set'))), name: basename(resolve(path)) };
  throw nothing(path, names);
};

/** A zip is read as the folders that it holds. */
const inZip = async (path: string): Promise<Found> => {
  const members = (await zipNames(path)).toSorted();
  const stem = basename(path).replace(/\.zip$/i, '');
  const folders = [...new Set(members.map((member) => posix.dirname(member)))];
  const found = folders.flatMap((folder) => {
    const names = members.filter((member) => posix.dirname(member) === folder).map((member) => posix.basename(member));
    const within = folder === '.' ? path : join(path, folder);
    return (
      inListing({ place: within, folder: folder === '.' ? stem : posix.basename(folder), names, pathOf: (name) => join(within, name) }) ??
      []
    );
  });
  if (found.length === 0) throw nothing(path, members);
  if (found.length > 1) {
    const where = found.map((each) => (each.kind === 'single' ? each.path : each.name)).join(', ');
    throw badInput('DATA', path, 'the files of one dataset in the zip file', `several: name one of ${where}`);
  }
  return found[0]!;
};

const isThere = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined;

/** A member that was named by its path within a zip. */
const inParentZip = async (path: string): Promise<Found | undefined> => {
  for (let above = dirname(path); above !== dirname(above); above = dirname(above)) {
    if (!(await isThere(above))) continue;
    if (!(await stat(above)).isFile() || !(await isZip(above))) return undefined;
    const member = path.slice(above.length + 1).replaceAll('\\', '/');
    if (!(await zipNames(above)).includes(member)) throw badInput('DATA', above, `${member} in the zip file`, 'no such member');
    return { kind: 'single', name: stemOf(path), folder: basename(dirname(path)), path, side: [] };
  }
  return undefined;
};

const stemOf = (path: string): string => innerName(path).replace(/\.[^.]+$/, '');

/**
 * Recognises the rating files at a path: a file; a folder; a zip of either; or a folder followed by a prefix (`data/ciao` for
 * `data/ciao.train.rating` …). Files of other kinds in the folder are passed over.
 * @throws MetafleetError DATA when there are none, or several sets.
 */
export const findRatings = async (path: string): Promise<Found> => {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return await inFolder(path);
    if (await isZip(path)) return await inZip(path);
    const folder = dirname(resolve(path));
    const names = await readdir(folder).catch(() => []);
    const side = sideFilesAmong(names, (name) => join(dirname(path), name)).filter((file) => file.path !== path);
    return { kind: 'single', name: stemOf(path), folder: basename(folder), path, side };
  } catch (error) {
    if (error instanceof MetafleetError) throw error;
    const within = await inParentZip(path);
    if (within !== undefined) return within;
    const place = dirname(path);
    const names = await readdir(place).catch(() => []);
    const listing: Listing = { place, folder: basename(resolve(place)), names, pathOf: (name) => join(place, name) };
    const prefixed = splitsIn(listing).get(basename(path));
    if (prefixed !== undefined) {
      return { kind: 'split', name: basename(path), folder: basename(path), paths: prefixed, side: sideFilesAmong(names, listing.pathOf) };
    }
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw badInput(
      'DATA',
      'dataset',
      `one of ${catalogueNames().join(', ')}, synthetic:… or the path of a file or folder`,
      missing ? path : messageOf(error),
    );
  }
};
