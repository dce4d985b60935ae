// Thread entry: reads tables of Parquet and Arrow (src/data/tables/open-table.ts).
import { parentPort } from 'node:worker_threads';
import { serveTables } from '../src/data/tables/table-thread.js';

if (parentPort === null) throw new Error('workers/data-table.js is a worker thread: it cannot be run by itself');
serveTables(parentPort);
