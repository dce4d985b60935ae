import { isUtf8 } from 'node:buffer';
import { badInput } from '../../base/errors.js';
import { toUtf8 } from '../containers/decode.js';
import { innerName, openContent } from '../containers/open.js';
import { eachLine } from '../import/lines.js';
import { BLANKS, fieldsOf, judgeDelimiter } from './delimiter.js';
import { parsePython } from './json/python-literal.js';
import { rolesOf } from './names.js';
import { idOf } from './reading.js';

/**
 * How a file of attributes is laid out. `names`: of its columns, where it has no header. `forms`: such names by the number of columns, for
 * files with or without a header. An empty name: the column is not read. The first column is the id.
 */
export type SideLayout =
  | { readonly kind: 'json' }
  | {
      readonly kind: 'delimited';
      readonly delimiter?: string;
      readonly names?: readonly string[];
      readonly forms?: readonly (readonly string[])[];
      readonly encoding?: string;
    };

/** A file of attributes of items or users, next to the ratings. Its path opens as those of ratings do (openContent). */
export type SideFile = { readonly kind: 'items' | 'users'; readonly path: string; readonly layout: SideLayout };

/** Texts by column, without the column of the id. RecBole's column names keep their type. Lists are joined by `|`. `id` is as in the ratings. */
export type SideRow = { readonly id: string; readonly columns: ReadonlyMap<string, string> };

const ML_GENRES = [
  ...['unknown', 'Action', 'Adventure', 'Animation', "Children's", 'Comedy', 'Crime', 'Documentary', 'Drama', 'Fantasy', 'Film-Noir'],
  ...['Horror', 'Musical', 'Mystery', 'Romance', 'Sci-Fi', 'Thriller', 'War', 'Western'],
];

type Known = { readonly name: RegExp; readonly kind: SideFile['kind']; readonly layout: SideLayout };

const header = { kind: 'delimited' } as const;
const json = { kind: 'json' } as const;
const formsOf = (...forms: readonly (readonly string[])[]): SideLayout => ({ kind: 'delimited', delimiter: '\t', forms });

/** Files of attributes as the known sets call them. Columns without a header are those of the sets' own readmes. */
const KNOWN: readonly Known[] = [
  {
    name: /^u\.item$/,
    kind: 'items',
    layout: {
      ...header,
      delimiter: '|',
      names: ['item', 'title', 'released', 'video', 'address', ...ML_GENRES.map((genre) => `genre:${genre}`)],
      encoding: 'latin1',
    },
  },
  { name: /^u\.user$/, kind: 'users', layout: { ...header, delimiter: '|', names: ['user', 'age', 'gender', 'occupation', 'zip'] } },
  { name: /^movies\.dat$/, kind: 'items', layout: { ...header, delimiter: '::', names: ['item', 'title', 'genres'], encoding: 'latin1' } },
  { name: /^users\.dat$/, kind: 'users', layout: { ...header, delimiter: '::', names: ['user', 'gender', 'age', 'occupation', 'zip'] } },
  { name: /^items_extra\.tsv$/, kind: 'items', layout: formsOf(['item', 'year', 'rated', 'genres', 'director', 'actors']) },
  { name: /^item_attributes\.tsv$/, kind: 'items', layout: formsOf(['item', 'attributes']) },
  { name: /^movie_genres\.(tsv|dat)$/, kind: 'items', layout: formsOf(['item', 'genres']) },
  { name: /^movie_countries\.(tsv|dat)$/, kind: 'items', layout: formsOf(['item', 'countries']) },
  { name: /^movie_directors\.(tsv|dat)$/, kind: 'items', layout: formsOf(['item', '', 'directors']) },
  { name: /^movies\.tsv$/, kind: 'items', layout: formsOf(['item', 'title', '', 'year']) },
  { name: /^books\.tsv$/, kind: 'items', layout: formsOf(['item', '', 'title', 'author', 'year', 'publisher']) },
  { name: /^items\.tsv$/, kind: 'items', layout: formsOf(['item', 'title', 'genres'], ['item', '', 'title', 'genres']) },
  { name: /^users\.tsv$/, kind: 'users', layout: formsOf(['user', 'gender', 'age', 'occupation']) },
  { name: /^(movies|books|anime|artists|items|item_features)\.(csv|tsv)$/i, kind: 'items', layout: header },
  { name: /^(users|user_features)\.(csv|tsv)$/i, kind: 'users', layout: header },
  { name: /^artists\.dat$/, kind: 'items', layout: header },
  { name: /^BX[-_]Books\.csv$/, kind: 'items', layout: { ...header, delimiter: ';', encoding: 'latin1' } },
  { name: /^BX[-_]Users\.csv$/, kind: 'users', layout: { ...header, delimiter: ';', encoding: 'latin1' } },
  { name: /\.item$/, kind: 'items', layout: header },
  { name: /\.user$/, kind: 'users', layout: header },
  { name: /^(yelp_academic_dataset_business|business)\.json$/, kind: 'items', layout: json },
  { name: /^(yelp_academic_dataset_user|user)\.json$/, kind: 'users', layout: json },
  { name: /^meta_.*\.(json|jsonl)$/, kind: 'items', layout: json },
];

/** The files of attributes among these names. */
export const sideFilesAmong = (names: readonly string[], pathOf: (name: string) => string): readonly SideFile[] =>
  names.flatMap((name) => {
    const known = KNOWN.find((each) => each.name.test(innerName(name)));
    return known === undefined ? [] : [{ kind: known.kind, path: pathOf(name), layout: known.layout }];
  });

const textOf = (value: unknown): string =>
  Array.isArray(value)
    ? value.map(textOf).join('|')
    : typeof value === 'object' && value !== null
      ? JSON.stringify(value)
      : String(value ?? '');

const idColumn = (names: readonly string[], kind: SideFile['kind']): number => {
  const roles = rolesOf(names);
  return kind === 'items' ? roles.item : roles.user;
};

const normal = (text: string): string => {
  const id = idOf(text);
  return id === undefined ? '' : String(id);
};

/** Objects, one a line, as JSON or as Python writes them. */
const objectRow = (text: string, kind: SideFile['kind']): SideRow | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = parsePython(text);
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value);
  const id = idColumn(
    entries.map(([name]) => name),
    kind,
  );
  if (id < 0) return undefined;
  return {
    id: normal(textOf(entries[id]![1])),
    columns: new Map(entries.filter((_, at) => at !== id).map(([name, each]) => [name, textOf(each)])),
  };
};

/**
 * Calls `take` for every row of a file of attributes, in its order. A text a cell: for thousands of items, not for millions of ratings.
 * @throws MetafleetError DATA naming file and line, also for a header without the id of an item or user.
 */
export const readSideFile = async ({ kind, path, layout }: SideFile, take: (row: SideRow) => void): Promise<void> => {
  const content = await openContent(path);
  const fail = (line: number, expected: string, found: string) => badInput('DATA', `${path}:${line}`, expected, found);
  let names = layout.kind === 'delimited' ? layout.names : undefined;
  let delimiter = layout.kind === 'delimited' ? layout.delimiter : undefined;
  let id = names === undefined ? -1 : 0;
  // The old sets mix encodings: what is UTF-8 in its first bytes is taken for UTF-8.
  const encoding =
    layout.kind === 'delimited' && layout.encoding !== undefined && !isUtf8(content.head.subarray(0, content.head.lastIndexOf(10) + 1))
      ? layout.encoding
      : undefined;
  const chunks = encoding === undefined ? content.chunks : toUtf8(content.chunks, encoding, path);
  try {
    await eachLine(path, chunks, (bytes, start, end, line) => {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
      if (text.trim() === '') return undefined;
      if (layout.kind === 'json') {
        const row = objectRow(text, kind);
        if (row !== undefined) take(row);
        return undefined;
      }
      delimiter ??= judgeDelimiter([text]).delimiter;
      // Most lines need no parser.
      const plain = delimiter !== BLANKS && !text.includes('"');
      const fields = plain ? text.split(delimiter).map((field) => field.trim()) : fieldsOf(text, delimiter);
      const form = names === undefined && layout.forms?.find(({ length }) => length === fields.length);
      if (names === undefined) {
        names = fields;
        id = idColumn(names, kind);
        if (id < 0 && form) [names, id] = [form, 0];
        else if (id < 0)
          throw fail(line, `a header with the id of ${kind === 'items' ? 'an item' : 'a user'}`, names.join(', ').slice(0, 200));
        else return undefined;
      }
      const known = names;
      const columns = new Map(
        fields.flatMap((field, at): [string, string][] => (at === id || (known[at] ?? '') === '' ? [] : [[known[at]!, field]])),
      );
      take({ id: normal(fields[id] ?? ''), columns });
      return undefined;
    });
  } finally {
    await content.close();
  }
};
