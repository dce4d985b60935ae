import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { badInput, type MetafleetError } from '../../base/errors.js';
import { PARTS, type Part } from '../dataset.js';
import type { FileLayout } from '../import/reader.js';
import { checkRoom, type Spilled, writeColumns, writeStore } from './import.js';
import { createLineReader } from './import-thread.js';
import { startImportThreads } from './import-threads.js';
import type { Manifest } from './manifest.js';
import { createParser, nothingSeen } from './parse.js';
import { openPlain, type PlainFile, parseFiles, planPartitions, rangesOf } from './parse-files.js';
import { progressOf } from './progress.js';

/** Delimited files of one set, in the order of their rows. `part`: of a given split. */
export type ImportSource = {
  readonly name: string;
  readonly place: string;
  readonly files: readonly { readonly path: string; readonly part?: Part }[];
  readonly layout: FileLayout;
};

export type ImportOptions = {
  readonly out: string;
  /** Replaces the columns of an earlier import. */
  readonly force?: boolean;
  /** Default: one a processor. The columns do not depend on it. */
  readonly threads?: number;
  readonly onProgress?: (note: string) => void;
};

/** Temporary and final bytes on disk for one of text, at most: rows of 24 B from lines of 6 B, and as much for the columns. */
const DISK_PER_BYTE = 2;

/** Reads the source again for the first two ratings of an item by a user. */
const duplicateIn =
  (files: readonly PlainFile[]) =>
  async (user: string, item: string): Promise<MetafleetError> => {
    const places: string[] = [];
    const reader = createLineReader();
    try {
      const lines = files.map(({ linesBefore }) => linesBefore);
      for (const range of rangesOf(files)) {
        const { path, form } = files[range.file]!;
        const { bytes, start, end } = reader.read(range);
        const seen = nothingSeen();
        const parse = createParser(form, seen);
        const textOf = (id: number, from: number, to: number): string =>
          Number.isNaN(id) ? Buffer.from(bytes.subarray(from, to)).toString() : String(id);
        for (let at = start; at < end; ) {
          const newline = bytes.indexOf(10, at);
          const stop = newline < 0 || newline > end ? end : newline;
          const { chunk } = parse(bytes, at, stop, 0);
          lines[range.file]!++;
          if (chunk.count === 1 && textOf(chunk.users[0]!, chunk.textFrom[0]!, chunk.textTo[0]!) === user) {
            const found = seen.items.original(chunk.items[0]!);
            const text = typeof found === 'number' ? String(found) : Buffer.from(found).toString();
            if (text === item && places.push(`${path}:${lines[range.file]}`) === 2) break;
          }
          at = stop + 1;
        }
        if (places.length === 2) break;
      }
    } finally {
      reader.close();
    }
    return badInput(
      'DATA',
      places[1] ?? files[0]!.path,
      'one rating per user and item',
      `user ${user} and item ${item} again, first at ${places[0]}`,
    );
  };

const importPlain = async (source: ImportSource, files: readonly PlainFile[], options: ImportOptions): Promise<Manifest> => {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  await checkRoom(options.out, DISK_PER_BYTE * bytes);
  const threads = startImportThreads(Math.min(options.threads ?? availableParallelism(), Math.ceil(bytes / (1 << 23))));
  try {
    return await writeStore(options.out, options.force === true, async (folder) => {
      const partitioning = await planPartitions(files);
      const form = { sequence: partitioning.splitters === null, times: files.some((file) => file.form.time !== undefined) };
      const attempt = async (): Promise<Manifest | undefined> => {
        const spills = threads.map((_, index) => join(folder, `spill-${index}`));
        for (const [index, thread] of threads.entries()) {
          await thread.call('open', { forms: files.map((file) => file.form), spill: spills[index]!, partitioning, spillForm: form });
        }
        const parsing = progressOf('reading', bytes, 'bytes', options.onProgress);
        const chunks = await parseFiles(threads, files, parsing);
        const seen = await Promise.all(threads.map((thread) => thread.call('seen')));
        // Texts that a sample of the file had none of: rows must be read again, with their sequence.
        if (!form.sequence && seen.some(({ textUsers }) => textUsers)) return undefined;
        const { name, place, layout } = source;
        const parts = source.files.map(({ part }) => (part === undefined ? -1 : PARTS.indexOf(part)));
        const spilled: Spilled = {
          ...{ name, place, spills, form, chunks, seen, feedback: 'explicit' },
          ...{ partitions: partitioning.count, ranges: partitioning.splitters !== null, findDuplicate: duplicateIn(files) },
          ...(layout.scale && { scale: layout.scale }),
          ...(layout.declared && { declared: layout.declared }),
          ...(parts.includes(-1) ? {} : { partOfFile: parts }),
        };
        const ratings = chunks.reduce((sum, { rows }) => sum + rows, 0);
        return await writeColumns(threads, folder, spilled, progressOf('sorting', ratings, 'ratings', options.onProgress));
      };
      const first = await attempt();
      if (first !== undefined) return first;
      form.sequence = true;
      return (await attempt())!;
    });
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
};

/** Files → columns in the folder `out`. Memory is bounded: ids take theirs, rows do not. */
export const importFiles = async (source: ImportSource, options: ImportOptions): Promise<Manifest> => {
  const files: PlainFile[] = [];
  for (const { path } of source.files) {
    const plain = await openPlain(path, source.layout);
    if (plain === undefined) throw badInput('DATA', path, 'a delimited text file in UTF-8', 'another');
    files.push(plain);
  }
  return importPlain(source, files, options);
};
