import type { MessagePort } from 'node:worker_threads';
import { type ErrorCode, isMetafleetError, messageOf } from '../../base/errors.js';
import { openContent } from '../containers/open.js';
import { arrowTable } from './arrow.js';
import { parquetTable } from './parquet.js';
import type { TableBatch, TableFile } from './table.js';

/** One table is open at a time. `open` answers with its names, `next` with a batch of the columns, or null behind the last one. */
export type TableCall =
  | { readonly name: 'open'; readonly path: string; readonly kind: 'parquet' | 'arrow' }
  | { readonly name: 'next'; readonly wanted: readonly string[] }
  | { readonly name: 'close' };

export type TableAnswer =
  | { readonly value: readonly string[] | TableBatch | null }
  | { readonly error: string; readonly code: ErrorCode | null };

/** Lists and records of a table cannot cross to another thread, and are no id and no number. */
const plain = (value: unknown): unknown => (typeof value === 'object' && !(value instanceof Date) ? null : value);

/** Numbers cross as they lie in memory, which costs nothing. */
const packed = (column: ArrayLike<unknown>): ArrayLike<unknown> => {
  const values = Array.from(column);
  return values.every((value) => typeof value === 'number') ? Float64Array.from(values as number[]) : values.map(plain);
};

const buffersOf = ({ columns }: TableBatch): ArrayBuffer[] =>
  Object.values(columns).flatMap((column) => (column instanceof Float64Array ? [column.buffer as ArrayBuffer] : []));

/** Reads tables for another thread, so that one whose package never returns, or takes all memory, can be ended. */
export const serveTables = (port: MessagePort): void => {
  let table: TableFile | undefined;
  let batches: AsyncIterator<TableBatch> | undefined;
  let close = async (): Promise<void> => {};

  const answer = async (call: TableCall): Promise<readonly string[] | TableBatch | null> => {
    if (call.name === 'open') {
      const content = await openContent(call.path);
      close = content.close;
      batches = undefined;
      table = await (call.kind === 'parquet' ? parquetTable : arrowTable)(content);
      return table.names;
    }
    if (call.name === 'close') {
      await close();
      table = undefined;
      return null;
    }
    batches ??= table!.batches(call.wanted)[Symbol.asyncIterator]();
    const { done, value } = await batches.next();
    if (done === true) return null;
    return { rows: value.rows, columns: Object.fromEntries(Object.entries(value.columns).map(([name, column]) => [name, packed(column)])) };
  };

  port.on('message', async (call: TableCall) => {
    try {
      const value = await answer(call);
      port.postMessage({ value } satisfies TableAnswer, value !== null && 'rows' in value ? buffersOf(value) : []);
    } catch (error) {
      const code = isMetafleetError(error) ? error.code : null;
      port.postMessage({ error: messageOf(error), code } satisfies TableAnswer);
    }
  });
};
