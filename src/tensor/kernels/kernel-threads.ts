import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { MetafleetError, messageOf } from '../../base/errors.js';
import type { Implementation } from './probe.js';

/** What a thread of a pool starts with. */
export type KernelThreadData = {
  readonly ring: SharedArrayBuffer;
  readonly names: readonly string[];
  readonly memories: readonly WebAssembly.Memory[];
  readonly implementation: Implementation;
};

/** The other threads of a pool. */
export type KernelThreads = {
  readonly count: number;
  /** Why the pool is lost, from the first thread that ended on. */
  loss: MetafleetError | undefined;
  close(): Promise<void>;
};

/**
 * Starts `count` threads, and resolves when each holds its kernels. They keep no process alive. `file`: default the built workers/kernel.js.
 * @throws MetafleetError CAPABILITY when a thread cannot start; then the others are ended.
 */
export const startKernelThreads = async (count: number, workerData: KernelThreadData, file?: string): Promise<KernelThreads> => {
  const entry = count === 0 ? '' : (file ?? createRequire(import.meta.url).resolve('#built/workers/kernel.js'));
  const workers = Array.from({ length: count }, () => new Worker(entry, { workerData, name: 'kernel', execArgv: [] }));
  const close = async (): Promise<void> => void (await Promise.all(workers.map((worker) => worker.terminate())));
  const threads: KernelThreads = { count, loss: undefined, close };
  try {
    await Promise.all(workers.map(ready));
  } catch (error) {
    await close();
    throw error;
  }
  for (const worker of workers) {
    worker.on('error', (cause) => (threads.loss ??= lostThread(messageOf(cause), cause)));
    worker.on('exit', () => (threads.loss ??= lostThread('it ended')));
    worker.unref();
  }
  return threads;
};

export const lostThread = (what: string, cause?: unknown): MetafleetError =>
  new MetafleetError('CAPABILITY', `kernel pool: lost a thread: ${what}`, { cause });

const ready = (worker: Worker): Promise<void> =>
  new Promise((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', (cause) => reject(lostThread(messageOf(cause), cause)));
    worker.once('exit', (code) => reject(lostThread(`it ended with code ${code} before it was ready`)));
  });
