import { isAscii, isUtf8 } from 'node:buffer';
import { badInput } from '../../base/errors.js';
import { encodingOfMark, isUtf8Name, knownEncoding, toUtf8 } from '../containers/decode.js';
import { type Content, openContent } from '../containers/open.js';
import type { Emit, Fail, Recognised } from '../formats/reading.js';
import { encodingOfSet, MOST_LINES, recogniseText } from '../formats/recognise.js';
import { tableLayout } from '../formats/table.js';
import { type Scale, type ValueCounts, type ValuePolicy, valueFilter } from '../policies/values.js';
import { openTable } from '../tables/open-table.js';
import type { Wanted } from './header.js';
import { eachLine, MOST_LINE } from './lines.js';
import type { OriginalId, RowSink } from './row-sink.js';

export type { Scale };

/** How to read a file. Everything left out is found from its first lines. */
export type FileLayout = Wanted &
  ValuePolicy & {
    /** Default: by the byte-order mark, else `familiar`, else UTF-8. */
    readonly encoding?: string;
    /** The encoding that the set is known to have. A copy may be UTF-8 by now: then its first bytes say so. */
    readonly familiar?: string;
  };

/** A row as it was read, before any policy. */
export type SampleRow = {
  readonly user: OriginalId;
  readonly item: OriginalId;
  readonly rating: number | null;
  readonly time: number | null;
};

/** What was read of one file. */
export type Reading = Recognised & {
  readonly path: string;
  readonly containers: Content['containers'];
  readonly encoding: string;
  /** Rows in the file, and those that were kept. */
  readonly rows: number;
  readonly kept: number;
  readonly counts: Readonly<ValueCounts>;
  /** Rows of a file with times whose time is none. */
  readonly untimed: number;
  readonly sample: readonly SampleRow[];
};

const SAMPLE = 3;
/** Bytes that are decoded to recognise a layout by. */
const HEAD = 1 << 16;

/** The first lines that are not blank, and the number of the first of them. The last one of the head may be cut off, and is left out. */
const headLines = (whole: Uint8Array, encoding: string): { lines: readonly string[]; first: number } => {
  const isWhole = whole.length < HEAD;
  // A first line may be longer than what is looked at otherwise.
  const head = whole.subarray(0, Math.max(HEAD, whole.indexOf(10) + 1 || whole.length));
  const text = new TextDecoder(isUtf8Name(encoding) ? 'utf-8' : encoding).decode(head, { stream: !isWhole });
  const all = text.split('\n').map((line) => line.replace(/\r$/, ''));
  if (!isWhole && all.length > 1) all.pop();
  const first = all.findIndex((line) => line.trim() !== '');
  return {
    lines:
      first < 0
        ? []
        : all
            .slice(first)
            .filter((line) => line.trim() !== '')
            .slice(0, MOST_LINES),
    first: first + 1,
  };
};

type Prepared = { readonly recognised: Recognised; readonly encoding: string; readonly read: (emit: Emit, fail: Fail) => Promise<void> };

/** Whether bytes have letters beyond ASCII, and all of them are UTF-8. The end may be cut off. */
const saysUtf8 = (head: Uint8Array): boolean => {
  const whole = head.subarray(0, Math.max(head.lastIndexOf(10), 0));
  return !isAscii(whole) && isUtf8(whole);
};

const prepareText = (content: Content, { encoding: wanted, familiar, ...layout }: FileLayout): Prepared => {
  const { path, head, chunks } = content;
  const marked = wanted ?? encodingOfMark(head);
  const known = familiar ?? (marked === undefined ? encodingOfSet(headLines(head, 'utf-8').lines) : undefined);
  const encoding = marked ?? (known === undefined || saysUtf8(head) ? 'utf-8' : known);
  if (!knownEncoding(encoding)) throw badInput('DATA', 'encoding', 'utf-8, latin1, or another name that is known, such as gbk', encoding);
  const { lines, first } = headLines(head, encoding);
  if (lines.length === 0) throw badInput('DATA', path, 'at least one rating', 'an empty file');
  if (lines[0]!.length >= MOST_LINE && !/^\s*\[/.test(lines[0]!)) {
    throw badInput('DATA', `${path}:${first}`, 'lines of less than 1 MiB', 'a longer one');
  }
  const { recognised, read } = recogniseText(path, lines, first, layout);
  const utf8 = isUtf8Name(encoding) ? chunks : toUtf8(chunks, encoding, path);
  return {
    recognised,
    encoding,
    read: (emit, fail) => read({ path, emit, fail, chunks: utf8, lines: (sink) => eachLine(path, utf8, sink) }),
  };
};

const prepareTable = async (content: Content, kind: 'parquet' | 'arrow', layout: FileLayout): Promise<Prepared> => {
  const table = await openTable(content, kind);
  try {
    return { ...tableLayout(content.path, kind === 'parquet' ? 'Parquet' : 'Arrow', table, layout), encoding: 'none' };
  } catch (error) {
    await table.close();
    throw error;
  }
};

const prepare = async (content: Content, layout: FileLayout): Promise<Prepared> => {
  const { path, magic } = content;
  switch (magic.kind) {
    case 'parquet':
    case 'arrow':
      return prepareTable(content, magic.kind, layout);
    case 'text':
      return prepareText(content, layout);
    case 'other':
      if (layout.encoding !== undefined && magic.name.startsWith('zeros')) return prepareText(content, layout);
      throw badInput('DATA', path, 'ratings in a format that is read (docs/formats.md)', `${magic.name} (${magic.advice})`);
    case 'zip':
    case 'gzip':
    case 'zstd':
      throw badInput('DATA', path, 'ratings in at most four containers', `a ${magic.kind} file within them`);
  }
};

/**
 * Reads the ratings of one file into `into`, in the layout that is recognised.
 * @throws MetafleetError DATA `file:line: expected …, found …` at the first line that is not as its layout says.
 */
export const readRatings = async (path: string, layout: FileLayout, into: RowSink): Promise<Reading> => {
  const content = await openContent(path);
  try {
    const { recognised, encoding, read } = await prepare(content, layout);
    const counts: ValueCounts = { unrated: 0, clipped: 0, below: 0 };
    const fail: Fail = (line, expected, found) => badInput('DATA', `${path}:${line}`, expected, found);
    const filter = valueFilter(layout, recognised.unrated, counts, fail);
    const sample: SampleRow[] = [];
    const timed = recognised.columns.time !== undefined;
    let rows = 0;
    let untimed = 0;
    into.begin(path);
    await read((user, item, given, line, time) => {
      rows++;
      if (timed && Number.isNaN(time)) untimed++;
      if (sample.length < SAMPLE) {
        sample.push({ user, item, rating: given === null || Number.isNaN(given) ? null : given, time: Number.isNaN(time) ? null : time });
      }
      const value = filter(given, line);
      if (!Number.isNaN(value)) into.add(user, item, value, line, time);
    }, fail);
    const kept = into.end();
    if (rows === 0)
      throw badInput('DATA', path, 'at least one rating', recognised.header === true ? 'a header and no rating' : 'no rating');
    return { ...recognised, path, containers: content.containers, encoding, rows, kept, counts, untimed, sample };
  } finally {
    await content.close();
  }
};
