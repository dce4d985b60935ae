import { pipeline, Readable, type Transform } from 'node:stream';
import zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { badInput, isMetafleetError, messageOf } from '../../base/errors.js';

export type Chunks = AsyncIterable<Uint8Array>;

/** Node has zstd from 22.15. */
const nodeZstd = (zlib as { readonly createZstdDecompress?: () => Transform }).createZstdDecompress;

async function* through(chunks: Chunks, transform: Transform): AsyncGenerator<Uint8Array> {
  const source = Readable.from(chunks, { objectMode: false });
  // The error, if any, is that of the transform, which the loop below raises.
  pipeline(source, transform, () => {});
  for await (const chunk of transform) yield chunk as Buffer;
}

/** By the package where Node has none. It holds a window of the frame, at most 8 MiB for the levels that are common. */
async function* fzstd(chunks: Chunks): AsyncGenerator<Uint8Array> {
  let made: Uint8Array[] = [];
  const stream = new Decompress((chunk) => made.push(chunk));
  let some = false;
  for await (const chunk of chunks) {
    some = true;
    stream.push(chunk.slice());
    yield* made;
    made = [];
  }
  if (some) stream.push(new Uint8Array(0), true);
  yield* made;
}

/** gzip or zstd as it is read. @throws MetafleetError DATA naming the file when it is damaged or not whole. */
export async function* unpack(kind: 'gzip' | 'zstd', chunks: Chunks, path: string): AsyncGenerator<Uint8Array> {
  try {
    if (kind === 'gzip') yield* through(chunks, zlib.createGunzip());
    else if (nodeZstd !== undefined) yield* through(chunks, nodeZstd());
    else yield* fzstd(chunks);
  } catch (error) {
    if (isMetafleetError(error)) throw error;
    throw badInput('DATA', path, `a whole ${kind} file`, messageOf(error).split('\n')[0]!.slice(0, 200));
  }
}
