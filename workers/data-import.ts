// A thread of `metafleet data import` (src/data/store/import-threads.ts).
import { parentPort } from 'node:worker_threads';
import { createImportThread } from '../src/data/store/spill/import-thread.js';
import { answer } from '../src/data/store/spill/import-threads.js';

const thread = createImportThread();
parentPort!.on('message', (call: Parameters<typeof answer>[1]) => parentPort!.postMessage(answer(thread, call)));
