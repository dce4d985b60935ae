import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { badInput, MetafleetError, messageOf } from '../../base/errors.js';
import { PARTS, type Part } from '../dataset.js';
import { catalogueNames } from './catalogue.js';

/** The rating files at a path: one to be split, or up to three that are split already. */
export type Found =
  | { readonly kind: 'single'; readonly name: string; readonly folder: string | undefined; readonly path: string }
  | { readonly kind: 'split'; readonly name: string; readonly folder: string; readonly paths: Partial<Record<Part, string>> };

/** `train.tsv`, or with a set's name before it, `ciao.train.rating`: MetaMF's repository keeps four sets in one folder. */
const SPLIT_FILE = /^(?:(.+)\.)?(train|valid|validation|val|test)\.(tsv|csv|txt|dat|rating)$/;
const SPLIT_NAMES: Readonly<Record<string, Part>> = {
  train: 'train',
  valid: 'valid',
  validation: 'valid',
  val: 'valid',
  test: 'test',
};

/** Whole rating files as the known sets call them, in order of preference. */
const SINGLE_FILES = [
  'ratings.dat',
  'ratings.csv',
  'ratings.tsv',
  'u.data',
  'ratings_small.csv',
  'user_ratedmovies.dat',
  'explicit.tsv',
  'BX-Book-Ratings.csv',
] as const;

/** Split files in a folder by their prefix ('' = none). */
const splitsIn = (folder: string, names: readonly string[]): Map<string, Partial<Record<Part, string>>> => {
  const splits = new Map<string, Partial<Record<Part, string>>>();
  for (const name of names) {
    const [, prefix = '', word] = SPLIT_FILE.exec(name) ?? [];
    const part = word === undefined ? undefined : SPLIT_NAMES[word];
    if (part === undefined) continue;
    const split = splits.get(prefix) ?? {};
    if (split[part] !== undefined) throw badInput('DATA', folder, `one ${part} file`, `${basename(split[part])} and ${name}`);
    splits.set(prefix, { ...split, [part]: join(folder, name) });
  }
  return splits;
};

const complete = (split: Partial<Record<Part, string>>): boolean => PARTS.every((part) => split[part] !== undefined);

const inFolder = async (path: string): Promise<Found> => {
  const folder = resolve(path);
  const names = (await readdir(folder)).sort();
  const splits = splitsIn(path, names);
  const whole = [...splits].filter(([, split]) => complete(split));
  if (whole.length > 1) {
    const sets = whole.map(([prefix]) => join(path, prefix)).join(', ');
    throw badInput('DATA', path, 'the files of one dataset', `several: name one of ${sets}`);
  }
  if (whole.length === 1) {
    const [prefix, paths] = whole[0]!;
    return { kind: 'split', name: prefix || basename(folder), folder: basename(folder), paths };
  }
  const single = SINGLE_FILES.find((name) => names.includes(name));
  if (single !== undefined) {
    return { kind: 'single', name: basename(folder), folder: basename(folder), path: join(path, single) };
  }
  const partial = splits.get('');
  if (partial !== undefined) return { kind: 'split', name: basename(folder), folder: basename(folder), paths: partial };
  throw badInput(
    'DATA',
    path,
    `train, valid and test files or one of ${SINGLE_FILES.join(', ')}`,
    names.slice(0, 6).join(', ') || 'an empty folder',
  );
};

/**
 * Recognises the rating files at a path: a file; a folder; or a folder followed by a prefix (`data/ciao` for
 * `data/ciao.train.rating` …). Files of other kinds in the folder are passed over.
 * @throws MetafleetError DATA when there are none, or several sets.
 */
export const findRatings = async (path: string): Promise<Found> => {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return await inFolder(path);
    return { kind: 'single', name: basename(path).replace(/\.[^.]+$/, ''), folder: undefined, path };
  } catch (error) {
    if (error instanceof MetafleetError) throw error;
    const siblings = await readdir(dirname(path)).catch(() => []);
    const prefixed = splitsIn(dirname(path), siblings).get(basename(path));
    if (prefixed !== undefined) return { kind: 'split', name: basename(path), folder: basename(path), paths: prefixed };
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw badInput(
      'DATA',
      'dataset',
      `one of ${catalogueNames().join(', ')}, synthetic:… or the path of a file or folder`,
      missing ? path : messageOf(error),
    );
  }
};
