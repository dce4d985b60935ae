import { badInput } from '../../base/errors.js';
import { openContent } from '../containers/open.js';
import { fieldsOf, judgeDelimiter } from '../formats/delimiter.js';
import { isTyped, rolesOf } from '../formats/names.js';
import { columnsFor, knownFile, type SideKind } from './known-files.js';

/** Facts of users or items by original id: one text for each column, in the order of the file. An id may have several rows. */
export type SideFile = {
  readonly path: string;
  readonly of: SideKind;
  /** Names, with the type that RecBole writes behind them. */
  readonly columns: readonly string[];
  readonly rows: readonly { readonly id: string; readonly texts: readonly string[] }[];
};

const readText = async (path: string): Promise<string> => {
  const content = await openContent(path);
  const chunks: Uint8Array[] = [];
  try {
    // A slice of a Buffer is a view, and its memory is used again.
    for await (const chunk of content.chunks) chunks.push(Uint8Array.from(chunk));
  } finally {
    await content.close();
  }
  const bytes = Buffer.concat(chunks);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // The side files of MovieLens and Book-Crossing are in Latin-1, in which every byte is a letter.
    return bytes.toString('latin1');
  }
};

/** Lines that a delimiter is judged by. */
const HEAD = 100;

type Header = { readonly of: SideKind; readonly id: number };

/** What a first line says of the file; undefined where it is no header. */
const headerOf = (names: readonly string[]): Header | undefined => {
  const { user, item } = rolesOf(names);
  if (names.some(isTyped)) return user >= 0 ? { of: 'users', id: user } : { of: 'items', id: Math.max(0, item) };
  if (item === 0 || user === 0) return { of: item === 0 ? 'items' : 'users', id: 0 };
  return names[0]?.toLowerCase() === 'id' ? { of: 'items', id: 0 } : undefined;
};

/**
 * Reads a file of users or items whole. It has a header whose id column is named, or a name that is known (known-files.ts).
 * @throws MetafleetError DATA naming file and line.
 */
export const readSideFile = async (path: string): Promise<SideFile> => {
  const lines = (await readText(path)).split('\n').map((line) => line.replace(/\r$/, ''));
  const first = lines.find((line) => line.trim() !== '');
  if (first === undefined) throw badInput('DATA', path, 'rows of users or items', 'an empty file');
  const known = knownFile(path);
  const delimiter = known?.delimiter ?? judgeDelimiter(lines.filter((line) => line !== '').slice(0, HEAD)).delimiter;
  const split = (line: string): readonly string[] => (line.includes('"') ? fieldsOf(line, delimiter) : line.split(delimiter));
  const names = split(first);
  const header = headerOf(names);
  const columns = header === undefined && known?.columns !== undefined ? columnsFor(known.columns, names.length) : undefined;
  if (header === undefined && columns === undefined)
    throw badInput('DATA', `${path}:1`, 'a header such as item_id,title,genres', first.slice(0, 60));
  const named: readonly (string | null)[] = columns ?? names;
  const id = header?.id ?? 0;
  const taken = named.flatMap((name, at) => (name === null || at === id ? [] : [at]));
  const rows: SideFile['rows'][number][] = [];
  let isFirst = header !== undefined;
  for (const line of lines) {
    if (line.trim() === '') continue;
    if (isFirst) {
      isFirst = false;
      continue;
    }
    const fields = split(line);
    const own = fields[id]?.trim();
    // Texts with line breaks within quotes leave rests, which are no rows.
    if (own === undefined || fields.length < named.length) continue;
    rows.push({ id: own, texts: taken.map((at) => fields[at]!.trim()) });
  }
  return { path, of: known?.of ?? header!.of, columns: taken.map((at) => named[at]!), rows };
};
