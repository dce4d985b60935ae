import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, isMetafleetError, MetafleetError, messageOf } from '../../../base/errors.js';
import { createImportThread, type ImportThread } from './import-thread.js';

type Name = keyof ImportThread;
type Call = { readonly name: Name; readonly argument: unknown };
type Answer = { readonly value: unknown } | { readonly error: string; readonly code: ErrorCode | null };

/** A thread of the import, as its owner sees it. One call is under way at a time. */
export type RemoteThread = {
  readonly call: <N extends Name>(name: N, ...argument: Parameters<ImportThread[N]>) => Promise<ReturnType<ImportThread[N]>>;
  readonly end: () => Promise<void>;
};

/** What workers/data-import.ts does with a call. */
export const answer = (thread: ImportThread, { name, argument }: Call): Answer => {
  try {
    return { value: (thread[name] as (argument: unknown) => unknown)(argument) };
  } catch (error) {
    return { error: messageOf(error), code: isMetafleetError(error) ? error.code : null };
  }
};

const local = (): RemoteThread => {
  const thread = createImportThread();
  return {
    call: async (name, ...argument) => (thread[name] as (argument: unknown) => never)(argument[0]),
    end: async () => thread.close(),
  };
};

const remote = (entry: string): RemoteThread => {
  const worker = new Worker(entry);
  let settle: { resolve: (value: never) => void; reject: (error: Error) => void } | undefined;
  let lost: Error | undefined;
  const lose = (error: Error): void => {
    lost = error;
    settle?.reject(error);
  };
  worker.on('message', (found: Answer) => {
    const { resolve, reject } = settle!;
    settle = undefined;
    if ('value' in found) resolve(found.value as never);
    else reject(found.code === null ? new Error(found.error) : new MetafleetError(found.code, found.error));
  });
  worker.on('error', (error) => lose(new MetafleetError('CAPABILITY', `import: a thread failed: ${messageOf(error)}`, { cause: error })));
  worker.on('exit', () => lose(new MetafleetError('CAPABILITY', 'import: a thread ended before its work')));
  return {
    call: (name, ...argument) =>
      new Promise((resolve, reject) => {
        if (lost !== undefined) return reject(lost);
        settle = { resolve, reject };
        worker.postMessage({ name, argument: argument[0] } satisfies Call);
      }),
    end: async () => {
      settle = undefined;
      await worker.terminate();
    },
  };
};

/** `count` threads. With one, the caller's own does the work. */
export const startImportThreads = (count: number): RemoteThread[] => {
  if (count === 1) return [local()];
  const entry = createRequire(import.meta.url).resolve('#built/workers/data-import.js');
  return Array.from({ length: count }, () => remote(entry));
};

/** Gives tasks to threads as they become free. Results come in the order of the tasks. The first failure ends it, once all threads stand still. */
export const share = async <Task, Result>(
  threads: readonly RemoteThread[],
  tasks: Iterable<Task>,
  run: (thread: RemoteThread, task: Task, index: number) => Promise<Result>,
): Promise<Result[]> => {
  const queue = tasks[Symbol.iterator]();
  const results: Result[] = [];
  let taken = 0;
  const failures: { readonly index: number; readonly error: unknown }[] = [];
  const work = async (thread: RemoteThread): Promise<void> => {
    while (failures.length === 0) {
      const { value, done } = queue.next();
      if (done === true) return;
      const index = taken++;
      try {
        results[index] = await run(thread, value, index);
      } catch (error) {
        failures.push({ index, error });
      }
    }
  };
  await Promise.all(threads.map(work));
  // The one of the earliest task: the same, however many threads there are.
  const first = failures.sort((a, b) => a.index - b.index)[0];
  if (first !== undefined) throw first.error;
  return results;
};
