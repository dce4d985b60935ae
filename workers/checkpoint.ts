/** Thread entry: writes checkpoints during the rounds. */
import { parentPort } from 'node:worker_threads';
import { serveCheckpoints } from '../src/coordinator/checkpoint/checkpoint-writer.js';

if (parentPort === null) throw new Error('workers/checkpoint.js is a worker thread: it cannot be run by itself');
serveCheckpoints(parentPort);
