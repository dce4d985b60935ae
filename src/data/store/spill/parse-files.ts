import { open } from 'node:fs/promises';
import { isUtf8Name } from '../../containers/decode.js';
import { openContent } from '../../containers/open.js';
import { BLANKS } from '../../formats/delimiter.js';
import type { Recognised } from '../../formats/reading.js';
import { MOST_LINES, recogniseText } from '../../formats/recognise.js';
import { locate } from '../../import/header.js';
import type { FileLayout } from '../../import/reader.js';
import { bomOf, type ChunkRange, type ParsedChunk } from './import-thread.js';
import { type RemoteThread, share } from './import-threads.js';
import { createParser, type LineForm, nothingSeen } from './parse.js';
import { type Partitioning, splittersOf } from './partitions.js';

/** A delimited file in UTF-8 whose lines are rows: what is read in pieces, by several threads. */
export type PlainFile = {
  readonly path: string;
  readonly size: number;
  /** Where the first row begins. */
  readonly start: number;
  readonly form: LineForm;
  readonly recognised: Recognised;
};

const CHUNK = 1 << 23;
const NEWLINE = 10;

/** Finds out from the first lines how all are parsed. Undefined: the file is not plain, and the reader of all formats must have it. */
export const openPlain = async (path: string, layout: FileLayout, declared: LineForm['declared']): Promise<PlainFile | undefined> => {
  if (layout.encoding !== undefined && !isUtf8Name(layout.encoding)) return undefined;
  const content = await openContent(path);
  try {
    const { file, magic, head } = content;
    if (file === undefined || magic.kind !== 'text' || head[0] === 0xff || head[0] === 0xfe) return undefined;
    const begin = bomOf(head);
    const newline = head.indexOf(NEWLINE, begin);
    const { size } = await file.stat();
    if (newline < 0 || newline >= size - 1) return undefined;
    const lines = Buffer.from(head.subarray(begin, head.lastIndexOf(NEWLINE)))
      .toString()
      .split('\n');
    const first = lines.slice(0, MOST_LINES).map((line) => line.replace(/\r$/, ''));
    if (first.some((line) => line.trim() === '')) return undefined;
    if (recogniseText(path, first, 1, layout).recognised.layout !== 'delimited') return undefined;
    const { delimiter, header, recognised, ...places } = locate(`${path}:1`, first, layout);
    const byte = Buffer.from(delimiter);
    if (byte.length !== 1 || delimiter === BLANKS || places.rating < 0) return undefined;
    const { unrated } = recognised;
    const form: LineForm = { ...places, delimiter: byte[0]!, policy: layout, unrated, declared };
    return { path, size, start: header ? newline + 1 : 0, form, recognised };
  } finally {
    await content.close();
  }
};

const SAMPLES = 64;
const SAMPLE = 1 << 16;
/** Bytes of source for one partition: its rows should stay in the processor's cache while they are sorted. */
const PARTITION = 6 << 20;

/** Integer user ids from places all over the file; null where one is not an integer. */
const sampleUsers = async ({ path, size, start, form }: PlainFile): Promise<Float64Array | null> => {
  const parse = createParser(form, nothingSeen());
  const file = await open(path);
  const found: number[] = [];
  try {
    const buffer = Buffer.alloc(SAMPLE);
    for (let i = 0; i < SAMPLES; i++) {
      const at = start + Math.floor(((size - start) * i) / SAMPLES);
      const { bytesRead } = await file.read(buffer, 0, SAMPLE, at);
      const from = i === 0 ? (at === 0 ? bomOf(buffer) : 0) : buffer.subarray(0, bytesRead).indexOf(NEWLINE) + 1;
      const to = at + bytesRead === size ? bytesRead : buffer.lastIndexOf(NEWLINE, bytesRead - 1);
      if (to <= from) continue;
      const chunk = parse(buffer, from, to, 0);
      if (chunk === undefined) continue;
      for (let row = 0; row < chunk.count; row++) found.push(chunk.users[row]!);
    }
  } finally {
    await file.close();
  }
  return found.some(Number.isNaN) ? null : Float64Array.from(found);
};

/** Ranges of ids where a sample of them is of integers alone, else hashes. */
export const planPartitions = async (files: readonly PlainFile[]): Promise<Partitioning> => {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const count = Math.min(1024, Math.ceil(bytes / PARTITION));
  const samples: Float64Array[] = [];
  for (const file of files) {
    const sample = await sampleUsers(file);
    if (sample === null) return { count, splitters: null };
    // A file counts by its size.
    const share = Math.max(1, Math.ceil((sample.length * file.size) / bytes));
    samples.push(sample.filter((_, i) => Math.floor((i * share) / sample.length) !== Math.floor(((i - 1) * share) / sample.length)));
  }
  const all = new Float64Array(samples.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const sample of samples) {
    all.set(sample, at);
    at += sample.length;
  }
  return { count, splitters: splittersOf(all, count) };
};

function* rangesOf(files: readonly PlainFile[]): Generator<ChunkRange> {
  let chunk = 0;
  for (const [file, { path, size, start }] of files.entries()) {
    for (let from = start; from < size; from += CHUNK) yield { chunk: chunk++, file, path, from, to: Math.min(size, from + CHUNK) };
  }
}

export type ChunkResult = ParsedChunk & { readonly thread: number; readonly file: number };

/**
 * Parses all files, and leaves their rows in the spill files of the threads. `progress` gets the bytes that are read.
 * Undefined: a line is not plain.
 */
export const parseFiles = async (
  threads: readonly RemoteThread[],
  files: readonly PlainFile[],
  progress: (bytes: number) => void,
): Promise<ChunkResult[] | undefined> => {
  let plain = true;
  function* whilePlain(): ReturnType<typeof rangesOf> {
    for (const range of rangesOf(files)) if (plain) yield range;
  }
  const chunks = await share(threads, whilePlain(), async (thread, range) => {
    const parsed = await thread.call('parse', range);
    plain &&= parsed.plain;
    progress(range.to - range.from);
    return { ...parsed, thread: threads.indexOf(thread), file: range.file };
  });
  return plain ? chunks : undefined;
};
