/** Thread entry: a central model in training. */
import { parentPort } from 'node:worker_threads';
import { serveCentral } from '../src/transport/central/central-thread.js';

if (parentPort === null) throw new Error('workers/central.js is a worker thread: it cannot be run by itself');
serveCentral(parentPort);
