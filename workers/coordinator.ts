/** Thread entry: the coordinator actor. */
import { parentPort } from 'node:worker_threads';
import { serveCoordinator } from '../src/transport/threads/coordinator-thread.js';

if (parentPort === null) throw new Error('workers/coordinator.js is a worker thread: it cannot be run by itself');
serveCoordinator(parentPort);
