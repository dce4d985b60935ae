import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { badInput, type MetafleetError } from '../../base/errors.js';
import { type Feedback, PARTS, type Part } from '../dataset.js';
import type { Described } from '../features/described.js';
import type { Recognised } from '../formats/reading.js';
import { type FileLayout, type Reading, readRatings } from '../import/reader.js';
import type { OriginalId } from '../import/row-sink.js';
import type { ValueCounts } from '../policies/values.js';
import { writeDescribed } from './described.js';
import { checkRoom, hashAll, type Spilled, sizeOf, writeColumns, writeStore } from './import.js';
import type { Manifest } from './manifest.js';
import { progressOf } from './progress.js';
import { readIds } from './read-ids.js';
import { type RemoteThread, startImportThreads } from './spill/import-threads.js';
import { openPlain, type PlainFile, parseFiles, planPartitions } from './spill/parse-files.js';
import { spillSink } from './spill/parse-rows.js';

/** Files of one set, in the order of their rows. `part`: of a given split. */
export type ImportSource = {
  readonly name: string;
  /** For errors. */
  readonly place: string;
  readonly files: readonly { readonly path: string; readonly part?: Part }[];
  readonly layout: FileLayout;
  /** Ids are 0 … count − 1 already. */
  readonly declared?: { readonly users?: number; readonly items?: number };
  /** Default: as the files are. */
  readonly feedback?: Feedback;
  /** Titles and features by dense id. Default: none. */
  readonly describe?: (userIds: readonly string[], itemIds: readonly string[]) => Described;
  /** What became of rows, in words. Default: nothing is said. */
  readonly notesOf?: (reading: Pick<Reading, 'path' | 'counts' | 'unrated' | 'untimed' | 'rows'>) => readonly string[];
};

export type ImportOptions = {
  readonly out: string;
  /** Replaces the columns of an earlier import. */
  readonly force?: boolean;
  /** Default: one a processor. The columns do not depend on it. */
  readonly threads?: number;
  readonly onProgress?: (note: string) => void;
};

/** Bytes on disk for one of text, at most, while rows are sorted: 24 B a row from lines of 12 B, and the columns. */
const DISK_PER_BYTE = 2;

/** Partitions of a source whose size is not known before. */
const PARTITIONS = 64;

/** Reads the source again, for the lines of the first two ratings of an item by a user. */
const findDuplicate = async ({ files, layout }: ImportSource, user: string, item: string): Promise<MetafleetError> => {
  const places: string[] = [];
  let place = '';
  const add = (userId: OriginalId, itemId: OriginalId, _: number, line: number): void => {
    if (String(userId) === user && String(itemId) === item) places.push(`${place}:${line}`);
  };
  const sink = {
    begin: (path: string): void => {
      place = path;
    },
    add,
    end: (): number => 0,
  };
  for (const { path } of files) if (places.length < 2) await readRatings(path, layout, sink);
  const found = `user ${user} and item ${item} again, first at ${places[0]}`;
  return badInput('DATA', places[1] ?? place, 'one rating per user and item', found);
};

/** `feedback`: by file. `unrated`: the values that stand for "not rated". */
type Unsorted = Pick<Spilled, 'spills' | 'form' | 'partitions' | 'ranges' | 'chunks' | 'seen'> & {
  readonly recognised: readonly Pick<Recognised, 'feedback' | 'unrated'>[];
  readonly counts: ValueCounts;
  readonly untimed: number;
};

const countsOf = (all: readonly Readonly<ValueCounts>[]): ValueCounts => {
  const sum = { unrated: 0, clipped: 0, below: 0 };
  for (const counts of all) for (const name of ['unrated', 'clipped', 'below'] as const) sum[name] += counts[name];
  return sum;
};

/** Rows of plain files, by all threads. Undefined where one is not plain after all. */
const spillPlain = async (
  threads: readonly RemoteThread[],
  files: readonly PlainFile[],
  folder: string,
  progress: (bytes: number) => void,
): Promise<Unsorted | undefined> => {
  const partitioning = await planPartitions(files);
  const { count, splitters } = partitioning;
  const form = { sequence: splitters === null, times: files.some((file) => file.form.time >= 0) };
  const spills = threads.map((_, index) => join(folder, `spill-${index}`));
  const setups = spills.map((spill) => ({ forms: files.map((file) => file.form), spill, partitioning, spillForm: form }));
  await Promise.all(threads.map((thread, index) => thread.call('open', setups[index]!)));
  const chunks = await parseFiles(threads, files, progress);
  const seen = await Promise.all(threads.map((thread) => thread.call('seen')));
  // Where a sample of ids had no text and others are texts, rows lack their place in the source.
  const usable = chunks !== undefined && (form.sequence || seen.every(({ textUsers }) => !textUsers));
  if (!usable) return undefined;
  const recognised = files.map((file) => file.recognised);
  const counts = countsOf(seen.map((each) => each.counts));
  return { spills, form, partitions: count, ranges: splitters !== null, chunks, seen, recognised, counts, untimed: 0 };
};

/** Rows of files of any format, by one thread. */
const spillAny = async (
  { files, layout, declared }: ImportSource,
  folder: string,
  progress: (bytes: number) => void,
): Promise<Unsorted> => {
  const spill = join(folder, 'spill');
  const sink = spillSink(spill, { count: PARTITIONS, splitters: null }, declared);
  const readings: Reading[] = [];
  for (const { path } of files) {
    readings.push(await readRatings(path, layout, sink));
    progress(await sizeOf(path).catch(() => 0));
  }
  const { chunks, seen } = sink.finish();
  return {
    ...{ spills: [spill], form: { sequence: true, times: true }, partitions: PARTITIONS, ranges: false, chunks, seen: [seen] },
    recognised: readings,
    counts: countsOf(readings.map((reading) => reading.counts)),
    untimed: readings.reduce((sum, { untimed }) => sum + untimed, 0),
  };
};

const openAll = async ({ files, layout, declared = {} }: ImportSource): Promise<PlainFile[] | undefined> => {
  const plain: PlainFile[] = [];
  for (const { path } of files) {
    const file = await openPlain(path, layout, declared);
    if (file === undefined) return undefined;
    plain.push(file);
  }
  return plain;
};

const feedbackOf = ({ binarize }: FileLayout, { recognised }: Unsorted): Feedback =>
  binarize !== undefined || recognised.some(({ feedback }) => feedback !== 'explicit') ? 'implicit' : 'explicit';

/** What the policies did, over all files. */
const notes = ({ place, notesOf }: ImportSource, { counts, recognised, untimed }: Unsorted, ratings: number): readonly string[] => {
  const left = counts.below + counts.unrated;
  return notesOf?.({ path: place, counts, untimed, unrated: recognised[0]?.unrated ?? [], rows: ratings + left }) ?? [];
};

/** Files → columns in the folder `out`. Memory is bounded: ids take theirs, rows do not. The columns do not depend on the threads. */
export const importFiles = async (source: ImportSource, options: ImportOptions): Promise<Manifest> => {
  const { out, force = false, onProgress } = options;
  const sizes = await Promise.all(source.files.map(({ path }) => sizeOf(path).catch(() => 0)));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  await checkRoom(out, DISK_PER_BYTE * bytes);
  const threads = startImportThreads(Math.max(1, Math.min(options.threads ?? availableParallelism(), Math.ceil(bytes / (1 << 23)))));
  try {
    return await writeStore(out, force, async (folder) => {
      const plain = await openAll(source);
      const fast = plain && (await spillPlain(threads, plain, folder, progressOf('reading', bytes, 'bytes', onProgress)));
      const unsorted = fast ?? (await spillAny(source, folder, progressOf('reading', bytes, 'bytes', onProgress)));
      const { name, place, files, layout, declared, describe } = source;
      const parts = files.map(({ part }) => (part === undefined ? -1 : PARTS.indexOf(part)));
      const ratings = unsorted.chunks.reduce((sum, { rows }) => sum + rows, 0);
      for (const note of notes(source, unsorted, ratings)) onProgress?.(note);
      const spilled: Spilled = {
        ...unsorted,
        ...{
          name,
          place,
          feedback: source.feedback ?? feedbackOf(layout, unsorted),
          findDuplicate: (user: string, item: string) => findDuplicate(source, user, item),
        },
        ...(layout.scale && { scale: layout.scale }),
        ...(declared && { declared }),
        ...(parts.includes(-1) ? {} : { partOfFile: parts }),
      };
      const manifest = await writeColumns(threads, folder, spilled, progressOf('sorting', ratings, 'ratings', onProgress));
      await Promise.all(threads.map((_, index) => rm(join(folder, `spill-${index}`), { force: true })));
      if (describe === undefined) return manifest;
      const ids = (of: 'user' | 'item') => readIds(folder, manifest, of)!;
      const described = writeDescribed(folder, describe(ids('user'), ids('item')));
      const columns = await hashAll(threads, folder, described.columns);
      return { ...manifest, ...described.manifest, columns: { ...manifest.columns, ...columns } };
    });
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
};
