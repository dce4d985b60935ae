import { open } from 'node:fs/promises';
import { badInput, messageOf } from '../../base/errors.js';
import type { Content } from './open.js';

/** A run of rows of a table, column by column. */
export type TableBatch = { readonly rows: number; readonly columns: Readonly<Record<string, ArrayLike<unknown>>> };

export type TableFile = { readonly names: readonly string[]; readonly batches: (wanted: readonly string[]) => AsyncIterable<TableBatch> };

/** A table within a container is unpacked into memory, up to so many bytes. */
const MOST_IN_MEMORY = 2 ** 31;

const whole = async ({ path, chunks }: Content): Promise<Uint8Array> => {
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

const broken = (content: Content, kind: string, error: unknown) =>
  badInput('DATA', content.path, `a whole ${kind} file`, messageOf(error).split('\n')[0]!.slice(0, 200));

/** By ranges of the file where it lies open, else from memory. */
const bufferOf = async (content: Content) => {
  if (content.file === undefined) {
    const bytes = await whole(content);
    return { byteLength: bytes.length, slice: (from: number, to?: number) => bytes.slice(from, to).buffer as ArrayBuffer };
  }
  // A handle of its own: that of the content stands behind its head.
  const { size } = await content.file.stat();
  return {
    byteLength: size,
    slice: async (from: number, to = size): Promise<ArrayBuffer> => {
      const file = await open(content.path);
      try {
        const start = from < 0 ? size + from : from;
        const bytes = new Uint8Array(Math.max(0, Math.min(to, size) - start));
        await file.read(bytes, 0, bytes.length, start);
        return bytes.buffer;
      } finally {
        await file.close();
      }
    },
  };
};

/** Ids that are packed as tightly as can be. A count of rows beyond is damage. */
const MOST_ROWS_PER_BYTE = 64;

/** Parquet, a group of rows at a time. */
export const parquetTable = async (content: Content): Promise<TableFile> => {
  const [{ parquetMetadataAsync, parquetRead, parquetSchema }, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
  ]);
  try {
    const file = await bufferOf(content);
    const metadata = await parquetMetadataAsync(file);
    if (!(metadata.num_rows <= BigInt(MOST_ROWS_PER_BYTE * file.byteLength))) {
      throw new Error(`${metadata.num_rows} rows in ${file.byteLength} bytes`);
    }
    const names = parquetSchema(metadata).children.map(({ element }) => element.name);
    async function* batches(wanted: readonly string[]): AsyncGenerator<TableBatch> {
      let first = 0;
      for (const group of metadata.row_groups) {
        const rows = Number(group.num_rows);
        const columns: Record<string, unknown[]> = Object.fromEntries(wanted.map((name) => [name, new Array<unknown>(rows)]));
        try {
          await parquetRead({
            file,
            metadata,
            compressors,
            columns: [...wanted],
            rowStart: first,
            rowEnd: first + rows,
            onChunk: ({ columnName, columnData, rowStart }) => {
              const column = columns[columnName];
              for (let at = 0; column !== undefined && at < columnData.length; at++)
                column[rowStart - first + at] = columnData[at] as unknown;
            },
          });
        } catch (error) {
          throw broken(content, 'Parquet', error);
        }
        first += rows;
        yield { rows, columns };
      }
    }
    return { names, batches };
  } catch (error) {
    throw broken(content, 'Parquet', error);
  }
};

/** Arrow's file or stream, and Feather version 2. The whole file is in memory. */
export const arrowTable = async (content: Content): Promise<TableFile> => {
  const { tableFromIPC } = await import('apache-arrow');
  try {
    const bytes = await whole(content);
    const table = tableFromIPC(bytes);
    const names = table.schema.fields.map(({ name }) => name);
    async function* batches(wanted: readonly string[]): AsyncGenerator<TableBatch> {
      for (const batch of table.batches) {
        // An id takes a byte at least. A count beyond is damage, and would take all memory.
        if (!(batch.numRows <= bytes.length)) throw broken(content, 'Arrow', `a batch of ${batch.numRows} rows in ${bytes.length} bytes`);
        const column = (name: string): unknown[] => {
          const vector = batch.getChild(name);
          return Array.from({ length: batch.numRows }, (_, row): unknown => vector?.get(row));
        };
        let columns: TableBatch['columns'];
        try {
          columns = Object.fromEntries(wanted.map((name) => [name, column(name)]));
        } catch (error) {
          throw broken(content, 'Arrow', error);
        }
        yield { rows: batch.numRows, columns };
      }
    }
    return { names, batches };
  } catch (error) {
    throw broken(content, 'Arrow', error);
  }
};
