import { open } from 'node:fs/promises';
import { badInput, messageOf } from '../../base/errors.js';
import { locate } from '../import/header.js';
import type { FileLayout } from '../import/reader.js';
import { bomOf, type ChunkRange, type ParsedChunk } from './import-thread.js';
import { type RemoteThread, share } from './import-threads.js';
import { createParser, type LineForm, nothingSeen } from './parse.js';
import { type Partitioning, splittersOf } from './partitions.js';

/** A delimited file in UTF-8 whose lines are rows: what is read in pieces, by several threads. */
export type PlainFile = {
  readonly path: string;
  readonly size: number;
  /** Where the first row begins, and how many lines are before it. */
  readonly start: number;
  readonly linesBefore: number;
  readonly form: LineForm;
};

const CHUNK = 1 << 23;
const HEAD = 1 << 20;
const NEWLINE = 10;

/** Finds out from the first line how the others are parsed. Undefined: the file is not one of these, and another reader must have it. */
export const openPlain = async (path: string, layout: FileLayout): Promise<PlainFile | undefined> => {
  if (layout.encoding !== undefined && layout.encoding !== 'utf8') return undefined;
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path);
  } catch (error) {
    throw badInput('DATA', path, 'a readable rating file', messageOf(error));
  }
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(HEAD, size));
    await file.read(buffer, 0, buffer.length, 0);
    const begin = bomOf(buffer);
    const newline = buffer.indexOf(NEWLINE, begin);
    const line = buffer.toString('utf8', begin, newline < 0 ? buffer.length : newline).replace(/\r$/, '');
    if (line === '') return undefined;
    const { header, ...located } = locate(`${path}:1`, line, layout);
    const { scale, skip, declared } = layout;
    const form: LineForm = { ...located, ...(scale && { scale }), ...(skip !== undefined && { skip }), ...(declared && { declared }) };
    const start = header ? (newline < 0 ? size : newline + 1) : 0;
    return { path, size, start, linesBefore: header ? 1 : 0, form };
  } finally {
    await file.close();
  }
};

const SAMPLES = 64;
const SAMPLE = 1 << 16;
/** Bytes of source for one partition: its rows should stay in the processor's cache while they are sorted. */
const PARTITION = 6 << 20;

/** Integer user ids from places all over the file; null where one is not an integer. */
const sampleUsers = async ({ path, size, start, form }: PlainFile): Promise<Float64Array | null> => {
  const parse = createParser({ ...form }, nothingSeen());
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
      const { chunk } = parse(buffer, from, to, 0);
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

export function* rangesOf(files: readonly PlainFile[]): Generator<ChunkRange> {
  let chunk = 0;
  for (const [file, { path, size, start }] of files.entries()) {
    for (let from = start; from < size; from += CHUNK) yield { chunk: chunk++, file, path, from, to: Math.min(size, from + CHUNK) };
  }
}

export type ChunkResult = ParsedChunk & { readonly thread: number; readonly file: number };

/** @throws MetafleetError DATA `file:line: expected …, found …` for the first line that is not as it should be. */
const checkLines = (files: readonly PlainFile[], chunks: readonly ChunkResult[]): void => {
  let [file, line, blank] = [-1, 0, 0];
  for (const chunk of chunks) {
    if (chunk === undefined) continue;
    if (chunk.file !== file) [file, line, blank] = [chunk.file, files[chunk.file]!.linesBefore, 0];
    const { path, form } = files[file]!;
    if (blank > 0 && chunk.lastFilled > 0) throw badInput('DATA', `${path}:${blank}`, `${form.fields} fields`, 'an empty line');
    const { fault } = chunk;
    if (fault !== undefined) throw badInput('DATA', `${path}:${line + fault.line}`, fault.expected, fault.found);
    if (chunk.firstBlank > 0) blank ||= line + chunk.firstBlank;
    line += chunk.lines;
  }
};

/** Parses all files, and leaves their rows in the spill files of the threads. `progress` gets the bytes that are read. */
export const parseFiles = async (
  threads: readonly RemoteThread[],
  files: readonly PlainFile[],
  progress: (bytes: number) => void,
): Promise<ChunkResult[]> => {
  const chunks: ChunkResult[] = [];
  let failed = false;
  function* until(): ReturnType<typeof rangesOf> {
    for (const range of rangesOf(files)) {
      if (failed) return;
      yield range;
    }
  }
  await share(threads, until(), async (thread, range, index) => {
    const parsed = await thread.call('parse', range);
    chunks[index] = { ...parsed, thread: threads.indexOf(thread), file: range.file };
    failed ||= parsed.fault !== undefined;
    progress(range.to - range.from);
  });
  checkLines(files, chunks);
  for (const [file, { path, linesBefore }] of files.entries()) {
    if (chunks.some((chunk) => chunk.file === file && chunk.rows > 0)) continue;
    throw badInput('DATA', path, 'at least one rating', linesBefore > 0 ? 'a header and no rating' : 'an empty file');
  }
  return chunks;
};
