import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename, dirname, relative } from 'node:path';
import { badInput, messageOf } from '../../base/errors.js';
import { type Magic, magicOf } from './magic.js';
import { type Chunks, unpack } from './unpack.js';
import { zipMember } from './zip.js';

/** A file, or a member of a zip, as what it holds: gzip and zstd around it are taken off. */
export type Content = {
  readonly path: string;
  /** What was around it, outermost first. */
  readonly containers: readonly ('zip' | 'gzip' | 'zstd')[];
  readonly magic: Magic;
  /** The first bytes, up to a mebibyte. */
  readonly head: Uint8Array;
  /** All bytes, the head with them. To be read once. A chunk holds until the next is asked for. */
  readonly chunks: Chunks;
  /** The open file, if nothing is around its content. */
  readonly file?: FileHandle;
  readonly close: () => Promise<void>;
};

const CHUNK = 1 << 20;
const MOST_LAYERS = 4;

/** A small file takes a small buffer: memory that is new to the process costs more than the reading. */
async function* fileChunks(file: FileHandle): AsyncGenerator<Uint8Array> {
  const { size } = await file.stat();
  const buffer = Buffer.allocUnsafe(size > 0 && size < CHUNK ? size + 1 : CHUNK);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** The first chunks, up to `least` bytes of them, and an iterable that begins with them again. */
const peek = async (chunks: Chunks, least: number): Promise<{ head: Uint8Array; whole: Chunks; end: () => Promise<void> }> => {
  const iterator = chunks[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let held = 0;
  while (held < least) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    first.push(value.slice());
    held += value.length;
  }
  const head = first.length === 1 ? first[0]! : Buffer.concat(first);
  async function* whole(): AsyncGenerator<Uint8Array> {
    if (head.length > 0) yield head;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { head, whole: whole(), end: async () => void (await iterator.return?.()) };
};

/** Enough to recognise a layout by. */
const HEAD = 1 << 16;

/** A zip among the folders of a path: `set.zip/ratings.csv` is a member of `set.zip`. */
const zipAround = async (path: string): Promise<{ zip: string; member: string } | undefined> => {
  for (let above = dirname(path); above !== dirname(above); above = dirname(above)) {
    const found = await stat(above).catch(() => undefined);
    if (found?.isFile()) return { zip: above, member: relative(above, path).replaceAll('\\', '/') };
    if (found !== undefined) return undefined;
  }
  return undefined;
};

/**
 * Opens a file, or a member of a zip by its path within (`set.zip/ratings.csv`).
 * @throws MetafleetError DATA when it cannot be read, or when the first bytes are of a format that is not read: the error names it.
 */
export const openContent = async (path: string): Promise<Content> => {
  const within = await zipAround(path);
  const containers: Content['containers'][number][] = within === undefined ? [] : ['zip'];
  let file: FileHandle | undefined;
  try {
    file = within === undefined ? await open(path) : undefined;
    let chunks: Chunks = file === undefined ? zipMember(within!.zip, within!.member) : fileChunks(file);
    for (let layer = 0; ; layer++) {
      const { head, whole, end } = await peek(chunks, HEAD);
      const magic = magicOf(head);
      if ((magic.kind === 'gzip' || magic.kind === 'zstd') && layer < MOST_LAYERS) {
        containers.push(magic.kind);
        chunks = unpack(magic.kind, whole, path);
        continue;
      }
      const close = async (): Promise<void> => {
        await end();
        await file?.close();
      };
      return { path, containers, magic, head, chunks: whole, ...(file && containers.length === 0 && { file }), close };
    }
  } catch (error) {
    await file?.close();
    if (error instanceof Error && 'syscall' in error) throw badInput('DATA', path, 'a readable rating file', messageOf(error));
    throw error;
  }
};

/** Whether a path is a zip file, by its first bytes. */
export const isZip = async (path: string): Promise<boolean> => {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return magicOf(buffer.subarray(0, bytesRead)).kind === 'zip';
  } finally {
    await file.close();
  }
};

/** A file's name without what says how it is packed: `ratings.csv.gz` → `ratings.csv`. */
export const innerName = (path: string): string => basename(path).replace(/(\.(gz|gzip|zst|zstd))+$/i, '');
