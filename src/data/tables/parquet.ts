import { open } from 'node:fs/promises';
import type { Content } from '../containers/open.js';
import { broken, namesOf, type TableBatch, type TableFile, wholeOf } from './table.js';

/** By ranges of the file where it lies open, else from memory. */
const bufferOf = async (content: Content) => {
  if (content.file === undefined) {
    const bytes = await wholeOf(content);
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
    const counted = metadata.row_groups.reduce((sum, { num_rows }) => sum + num_rows, 0n);
    if (counted !== metadata.num_rows) throw new Error(`${metadata.num_rows} rows in groups of ${counted}`);
    const names = namesOf(parquetSchema(metadata).children.map(({ element }) => element.name));
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
