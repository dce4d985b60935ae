import { badInput } from '../../base/errors.js';
import type { Chunks } from './unpack.js';

/** Names that `encoding` takes: UTF-8, Latin-1, or any other name that the platform's decoder knows, such as gbk or shift_jis. */
export const knownEncoding = (name: string): boolean => {
  try {
    return isLatin1(name) || new TextDecoder(name).encoding !== '';
  } catch {
    return false;
  }
};

const isLatin1 = (name: string): boolean => /^(latin-?1|iso-?8859-?1)$/i.test(name);

export const isUtf8Name = (name: string): boolean => /^utf-?8$/i.test(name);

/** By its byte-order mark. */
export const encodingOfMark = (head: Uint8Array): string | undefined => {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 'utf-8' : undefined;
};

/** Bytes in another encoding → UTF-8. Every byte sequence is kept apart from every other: what cannot be decoded is an error. */
export async function* toUtf8(chunks: Chunks, encoding: string, path: string): AsyncGenerator<Uint8Array> {
  if (isLatin1(encoding)) {
    for await (const chunk of chunks)
      yield Buffer.from(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1'), 'utf8');
    return;
  }
  const decoder = new TextDecoder(encoding, { fatal: true });
  try {
    for await (const chunk of chunks) yield Buffer.from(decoder.decode(chunk, { stream: true }), 'utf8');
    yield Buffer.from(decoder.decode(), 'utf8');
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw badInput('DATA', path, `text in ${encoding}`, 'bytes that are none (encoding names another)');
  }
}
