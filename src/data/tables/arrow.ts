import { decompress } from 'fzstd';
import type { Content } from '../containers/open.js';
import { decodeLz4Frame } from './lz4-frame.js';
import { broken, namesOf, type TableBatch, type TableFile, wholeOf } from './table.js';

/** Arrow's file or stream, and Feather version 2. The whole file is in memory. */
export const arrowTable = async (content: Content): Promise<TableFile> => {
  const { compressionRegistry, CompressionType, tableFromIPC } = await import('apache-arrow');
  compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: decodeLz4Frame });
  compressionRegistry.set(CompressionType.ZSTD, { decode: (bytes) => decompress(bytes).slice() });
  try {
    const bytes = await wholeOf(content);
    const table = tableFromIPC(bytes);
    const names = namesOf(table.schema.fields.map(({ name }) => name));
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
