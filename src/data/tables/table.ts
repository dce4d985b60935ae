import { badInput, messageOf } from '../../base/errors.js';
import type { Content } from '../containers/open.js';

/** A run of rows of a table, column by column. */
export type TableBatch = { readonly rows: number; readonly columns: Readonly<Record<string, ArrayLike<unknown>>> };

export type TableFile = { readonly names: readonly string[]; readonly batches: (wanted: readonly string[]) => AsyncIterable<TableBatch> };

/** Names of columns. Throws where one is damaged. */
export const namesOf = (found: readonly unknown[]): readonly string[] =>
  found.map((name) => {
    if (typeof name !== 'string') throw new Error(`a column named ${String(name)}`);
    return name;
  });

/** A table within a container is unpacked into memory, up to so many bytes. */
const MOST_IN_MEMORY = 2 ** 31;

/** All bytes of a file. */
export const wholeOf = async ({ path, chunks }: Content): Promise<Uint8Array> => {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk.slice());
    length += chunk.length;
    if (length > MOST_IN_MEMORY)
      throw badInput('DATA', path, 'a table of at most 2 GiB within a container (unpack it first)', 'a larger one');
  }
  return Buffer.concat(parts);
};

export const broken = ({ path }: Pick<Content, 'path'>, kind: string, error: unknown) =>
  badInput('DATA', path, `a whole ${kind} file`, messageOf(error).split('\n')[0]!.slice(0, 200));
