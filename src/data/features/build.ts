import type { SideRow } from '../formats/side-files.js';
import type { Feature } from './feature.js';

/** Texts of files → features by dense id. */

/** Texts of one column: a list for each user or item that has any. */
export type TextColumn = {
  readonly name: string;
  readonly type: string | undefined;
  readonly texts: readonly (readonly string[] | undefined)[];
};

const UNKNOWN = new Set(['', '\\N', 'NULL', 'null', 'nan', 'NaN', 'N/A', 'n/a', '(no genres listed)', 'None']);

const TYPE = /:(token|token_seq|float|float_seq)$/;
const TITLE = /(^|[ _-])(title|name)$|^(item|movie|book|product|artist)?(title|name)$/i;
/** A column of such a name may have several values, with commas between them. */
const PLURAL = /(genres?|actors|directors?|countries|tags|categories|authors|attributes|keywords)$/i;

export const isTitle = (name: string): boolean => TITLE.test(name.replace(TYPE, ''));

/** Flags of one feature are a column each: `genre:Drama`. */
const FLAG = /^(genre):(.+)$/;

/** The columns of a file's rows over `ids`. Flags are one column. An id may have several rows. */
export const columnsOf = (rows: readonly SideRow[], places: ReadonlyMap<string, number>, count: number): readonly TextColumn[] => {
  const byName = new Map<string, (string[] | undefined)[]>();
  for (const { id, columns } of rows) {
    const place = places.get(id);
    if (place === undefined) continue;
    for (const [column, text] of columns) {
      const flag = FLAG.exec(column);
      const name = flag === null ? column : `${flag[1]}s`;
      const value = flag === null ? text.trim() : text === '1' ? flag[2]! : '';
      const texts = byName.get(name) ?? new Array<string[] | undefined>(count).fill(undefined);
      byName.set(name, texts);
      if (UNKNOWN.has(value)) continue;
      const known = texts[place];
      if (known === undefined) texts[place] = [value];
      else known.push(value);
    }
  }
  return Array.from(byName, ([name, texts]) => ({ name: name.replace(TYPE, ''), type: TYPE.exec(name)?.[1], texts }));
};

const BLANKS = /\s+/;
const wordsOf = ({ name, type }: TextColumn, text: string): readonly string[] => {
  if (type === 'token') return [text];
  if (text.includes('|')) return text.split('|').map((word) => word.trim());
  if (type === 'token_seq') return text.split(BLANKS);
  return PLURAL.test(name) ? text.split(/,\s*/) : [text];
};

const multiHot = (column: TextColumn): Feature => {
  const places = new Map<string, number>();
  const lists = column.texts.map((texts = []) => {
    const words = new Set<number>();
    for (const word of texts.flatMap((text) => wordsOf(column, text))) {
      if (UNKNOWN.has(word)) continue;
      const place = places.get(word) ?? places.size;
      places.set(word, place);
      words.add(place);
    }
    return words;
  });
  const offsets = new Uint32Array(new SharedArrayBuffer(4 * (lists.length + 1)));
  lists.forEach(({ size }, at) => {
    offsets[at + 1] = offsets[at]! + size;
  });
  const values = new Uint32Array(new SharedArrayBuffer(4 * offsets[lists.length]!));
  lists.forEach((words, at) => values.set([...words], offsets[at]!));
  return { name: column.name, kind: 'multi-hot', vocabulary: [...places.keys()], offsets, values };
};

const numbersOf = (texts: readonly string[]): readonly number[] => texts.flatMap((text) => text.split(/[\s|]+/)).map(Number);

const dense = ({ name, texts }: TextColumn): Feature => {
  const lists = texts.map((list = []) => numbersOf(list));
  const width = lists.reduce((most, { length }) => Math.max(most, length), 1);
  const values = new Float32Array(new SharedArrayBuffer(4 * texts.length * width)).fill(Number.NaN);
  lists.forEach((list, at) => values.set(list, at * width));
  return { name, kind: 'dense', width, values };
};

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** A column of numbers of which some are no integers. Integers are codes or years, which are words. */
const isMeasured = ({ texts }: TextColumn): boolean => {
  let some = false;
  for (const list of texts) {
    for (const text of list ?? []) {
      if (!NUMBER.test(text)) return false;
      some ||= !Number.isInteger(Number(text));
    }
  }
  return some;
};

/** In a column that tells nearly all users or items apart, no value says anything of two of them. */
const isIdentifier = ({ vocabulary, offsets }: Extract<Feature, { kind: 'multi-hot' }>): boolean => {
  const known = offsets.reduce((sum, offset, at) => sum + (at > 0 && offset > offsets[at - 1]! ? 1 : 0), 0);
  return known > 20 && vocabulary.length > 0.9 * known && offsets.at(-1) === known;
};

/** The feature of a column, in the form that its type or its texts say. A column without values has none. An identifier has one only if `isAsked`. */
export const featureOf = (column: TextColumn, isAsked: boolean): Feature | undefined => {
  if (column.texts.every((texts) => texts === undefined)) return undefined;
  if (column.type?.startsWith('float') || (column.type === undefined && isMeasured(column))) return dense(column);
  const feature = multiHot(column);
  return feature.kind === 'multi-hot' && !isAsked && isIdentifier(feature) ? undefined : feature;
};
