import { basename } from 'node:path';

export type SideKind = 'users' | 'items';

/** Columns of a file without a header. `null`: not read. The first is the id. */
type KnownColumns = readonly (string | null)[];

/** A file of users or items that is known by its name. Without columns, it has a header. */
type KnownFile = {
  readonly of: SideKind;
  readonly name: RegExp;
  readonly delimiter?: string;
  readonly columns?: KnownColumns;
};

/** Genres of MovieLens 100K, in the order of the flags in u.item. */
const FLAGS = [
  ...['unknown', 'Action', 'Adventure', 'Animation', "Children's", 'Comedy', 'Crime', 'Documentary', 'Drama', 'Fantasy', 'Film-Noir'],
  ...['Horror', 'Musical', 'Mystery', 'Romance', 'Sci-Fi', 'Thriller', 'War', 'Western'],
];

/** Flags are one feature: those of a name before the colon. */
export const FLAG = ':flag:';

const KNOWN: readonly KnownFile[] = [
  { of: 'items', name: /^movies\.dat$/, delimiter: '::', columns: ['id', 'title', 'genres'] },
  { of: 'users', name: /^users\.dat$/, delimiter: '::', columns: ['id', 'gender', 'age', 'occupation', 'zip'] },
  {
    ...{ of: 'items', name: /^u\.item$/, delimiter: '|' },
    columns: ['id', 'title', 'release date', null, null, ...FLAGS.map((genre) => `genres${FLAG}${genre}`)],
  },
  { of: 'users', name: /^u\.user$/, delimiter: '|', columns: ['id', 'age', 'gender', 'occupation', 'zip'] },
  { of: 'items', name: /^(movies|items|books|bx-books|bx_books|artists)\.csv$/i },
  { of: 'users', name: /^(users|bx-users|bx_users)\.csv$/i },
  { of: 'items', name: /\.item$/ },
  { of: 'users', name: /\.user$/ },
  { of: 'items', name: /^items\.tsv$/, delimiter: '\t', columns: ['id', 'title', 'genres'] },
  { of: 'users', name: /^users\.tsv$/, delimiter: '\t', columns: ['id', 'gender', 'age', 'occupation'] },
  { of: 'items', name: /^items_extra\.tsv$/, delimiter: '\t', columns: ['id', 'year', 'rated', 'genres', 'director', 'actors'] },
  { of: 'items', name: /^item_attributes\.tsv$/, delimiter: '\t', columns: ['id', 'attributes'] },
  { of: 'items', name: /^books\.tsv$/, delimiter: '\t', columns: ['id', null, 'title', 'author', 'year', 'publisher'] },
  { of: 'items', name: /^movies\.tsv$/, delimiter: '\t', columns: ['id', 'title', null, 'year'] },
  { of: 'items', name: /^movie_genres\.(tsv|dat)$/, delimiter: '\t', columns: ['id', 'genres'] },
  { of: 'items', name: /^movie_countries\.(tsv|dat)$/, delimiter: '\t', columns: ['id', 'countries'] },
  { of: 'items', name: /^movie_directors\.(tsv|dat)$/, delimiter: '\t', columns: ['id', null, 'directors'] },
  { of: 'items', name: /^movie_actors\.(tsv|dat)$/, delimiter: '\t', columns: ['id', null, 'actors', null] },
];

/** gzip and the like around a file do not count. */
export const knownFile = (path: string): KnownFile | undefined => {
  const name = basename(path).replace(/\.(gz|gzip|zst|zstd)$/i, '');
  return KNOWN.find((known) => known.name.test(name));
};

/** A file with one column more has the original id behind its own, as the copies of MovieLens 1M with dense ids do. */
export const columnsFor = (columns: KnownColumns, fields: number): KnownColumns | undefined => {
  if (fields === columns.length) return columns;
  return fields === columns.length + 1 && columns[1] === 'title' ? ['id', null, ...columns.slice(1)] : undefined;
};
