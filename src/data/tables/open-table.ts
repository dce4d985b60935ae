import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { MetafleetError, messageOf } from '../../base/errors.js';
import type { Content } from '../containers/open.js';
import { broken, type TableBatch, type TableFile } from './table.js';
import type { TableAnswer, TableCall } from './table-thread.js';

/** A thread that reads tables, one call at a time. */
type TableThread = {
  readonly call: (call: TableCall, patience: number) => Promise<readonly string[] | TableBatch | null>;
  readonly isAlive: () => boolean;
};

/** Its answer took too long, or its thread ended: the package that decodes the table lost its way in it. */
class Lost extends Error {}

const startThread = (): TableThread => {
  const worker = new Worker(createRequire(import.meta.url).resolve('#built/workers/data-table.js'), { name: 'data-table', execArgv: [] });
  worker.unref();
  let alive = true;
  let settle: { readonly resolve: (value: never) => void; readonly reject: (error: Error) => void } | undefined;
  const lose = (reason: string): void => {
    alive = false;
    settle?.reject(new Lost(reason));
  };
  worker.on('message', (answer: TableAnswer) => {
    if ('value' in answer) settle?.resolve(answer.value as never);
    else settle?.reject(answer.code === null ? new Error(answer.error) : new MetafleetError(answer.code, answer.error));
  });
  worker.on('error', (error) => lose(messageOf(error)));
  worker.on('exit', () => lose('its thread ended'));
  return {
    isAlive: () => alive,
    call: async (call, patience) => {
      worker.ref();
      const timer = setTimeout(() => {
        lose(`what takes over ${patience} s to unpack`);
        void worker.terminate();
      }, 1000 * patience);
      try {
        return await new Promise((resolve, reject) => {
          settle = { resolve, reject };
          if (alive) worker.postMessage(call);
          else reject(new Lost('its thread ended'));
        });
      } finally {
        clearTimeout(timer);
        settle = undefined;
        worker.unref();
      }
    },
  };
};

let spare: TableThread | undefined;

/** Seconds that a part of a table may take, with more for each megabyte of its file. It takes a tenth of a second a megabyte. */
const PATIENCE = { least: 10, perMegabyte: 10, packed: 600 };

const TITLES = { parquet: 'Parquet', arrow: 'Arrow' } as const;

/**
 * A table of Parquet or Arrow, read on a thread of its own. A batch is in memory at a time.
 * @throws MetafleetError DATA for a table that is damaged, and for one that takes far longer than its size allows.
 */
export const openTable = async (
  { path, containers }: Content,
  kind: 'parquet' | 'arrow',
): Promise<TableFile & { readonly close: () => Promise<void> }> => {
  const patience =
    containers.length > 0 ? PATIENCE.packed : PATIENCE.least + Math.ceil((PATIENCE.perMegabyte * (await stat(path)).size) / 1e6);
  const thread = spare?.isAlive() === true ? spare : startThread();
  spare = undefined;
  const call = async (asked: TableCall) => {
    try {
      return await thread.call(asked, patience);
    } catch (error) {
      throw error instanceof Lost ? broken({ path }, TITLES[kind], error) : error;
    }
  };
  const end = async (): Promise<void> => {
    if (!thread.isAlive()) return;
    await call({ name: 'close' });
    spare = thread;
  };
  const orEnd = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      await end();
      throw error;
    }
  };
  const names = (await orEnd(() => call({ name: 'open', path, kind }))) as readonly string[];
  async function* batches(wanted: readonly string[]): AsyncGenerator<TableBatch> {
    try {
      for (;;) {
        const batch = await call({ name: 'next', wanted });
        if (batch === null) return;
        yield batch as TableBatch;
      }
    } finally {
      await end();
    }
  }
  return { names, batches, close: end };
};
