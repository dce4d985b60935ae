import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { MetafleetError, messageOf } from '../../base/errors.js';
import {
  awaitDone,
  CAPACITY,
  createRing,
  drain,
  execute,
  instantiate,
  type Lane,
  publish,
  type Reference,
  resultOf,
  takeFailure,
  undone,
} from './kernel-ring.js';
import type { KernelPool, KernelSet, KernelTask } from './kernels.js';
import { chooseImplementation, type Implementation } from './probe.js';

export type KernelPoolOptions<All extends KernelSet> = {
  /** The kernels that tasks may name, by their definition. The threads know every kernel there is (workers/kernel.ts). */
  readonly reference: Reference<All>;
  /** Threads that compute, the caller's own included: with 1 there is no other. */
  readonly threads: number;
  /** The shared memories that tasks name by index. They may grow later; none can be added. */
  readonly memories: readonly WebAssembly.Memory[];
  /** Default: SIMD where the machine has it. */
  readonly implementation?: Implementation;
  /** The built workers/kernel.js. */
  readonly workerFile?: string;
};

/** What a pool's thread is started with. */
export type KernelThreadData = {
  readonly ring: SharedArrayBuffer;
  readonly names: readonly string[];
  readonly memories: readonly WebAssembly.Memory[];
  readonly implementation: Implementation;
};

/**
 * Starts the threads and resolves when each holds its kernels on every memory. Between runs they sleep; they keep no process
 * alive. `run` throws Error when a kernel traps or reads outside its memory (the pool stays usable, the batch's outputs are
 * undefined), and MetafleetError CAPABILITY when a thread has died, after which the pool is lost.
 * @throws MetafleetError CAPABILITY when SIMD is asked for and missing, or a thread cannot start.
 */
export const createKernelPool = async <All extends KernelSet>(options: KernelPoolOptions<All>): Promise<KernelPool<All>> => {
  const { threads, memories, reference } = options;
  if (!Number.isInteger(threads) || threads < 1) throw new RangeError(`kernel pool: expected at least 1 thread, found ${threads}`);
  const implementation = chooseImplementation(options.implementation);
  const kernels = memories.map((memory) => instantiate(implementation, memory, reference));
  const names = Object.keys(kernels[0] ?? {});
  const ring = createRing(names);
  const file = threads === 1 ? '' : (options.workerFile ?? createRequire(import.meta.url).resolve('#built/workers/kernel.js'));
  const workerData: KernelThreadData = { ring: ring.buffer, names, memories, implementation };
  const workers = Array.from({ length: threads - 1 }, () => new Worker(file, { workerData, name: 'kernel', execArgv: [] }));
  const close = async (): Promise<void> => void (await Promise.all(workers.map((worker) => worker.terminate())));

  let loss: MetafleetError | undefined;
  try {
    await Promise.all(workers.map(ready));
  } catch (error) {
    await close();
    throw error;
  }
  for (const worker of workers) {
    worker.on('error', (cause) => (loss ??= lostThread(messageOf(cause), cause)));
    worker.on('exit', () => (loss ??= lostThread('it ended')));
    worker.unref();
  }

  /** Takes this thread's share of a lane's tasks and blocks until they are done. */
  const finish = (lane: Lane): void => {
    if (loss !== undefined) throw loss;
    drain(ring, lane, kernels);
    if (!awaitDone(ring, lane)) {
      loss = lostThread('it ended while it ran a task');
      throw loss;
    }
    const failure = takeFailure(lane);
    if (failure !== undefined) throw new Error(failure);
  };
  /** Hands tasks to the other threads, waking at most `wanted`, beside those of the lane that are not done. Returns what waits for them and gives their values. */
  const hand = (lane: Lane, tasks: readonly KernelTask<All>[], wanted = tasks.length): (() => Float64Array) => {
    if (workers.length === 0 || tasks.length > CAPACITY) {
      const values = run(tasks);
      return () => values;
    }
    if (undone(lane) + tasks.length > CAPACITY) finish(lane);
    const first = publish(ring, lane, tasks, wanted);
    return () => {
      finish(lane);
      return Float64Array.from(tasks, (_, i) => resultOf(lane, first + i));
    };
  };
  const run = (tasks: readonly KernelTask<All>[]): Float64Array => {
    if (loss !== undefined) throw loss;
    if (workers.length === 0 || tasks.length === 1) return Float64Array.from(tasks, (task) => execute(kernels, task));
    const results = new Float64Array(tasks.length);
    for (let at = 0; at < tasks.length; at += CAPACITY) {
      const batch = tasks.slice(at, at + CAPACITY);
      // One of them is for this thread.
      results.set(hand(ring.urgent, batch, batch.length - 1)(), at);
    }
    return results;
  };
  const join = (lane: Lane): void => {
    if (workers.length > 0) finish(lane);
  };

  return {
    memories,
    implementation,
    threads,
    on: (memory) => {
      const found = kernels[memory];
      if (found === undefined) throw new RangeError(`kernel pool: expected one of ${kernels.length} memories, found memory ${memory}`);
      return found;
    },
    run,
    begin: (tasks) => void hand(ring.urgent, tasks),
    finish: () => join(ring.urgent),
    defer: (tasks) => {
      join(ring.deferred);
      return hand(ring.deferred, tasks);
    },
    isSettled: () => workers.length === 0 || undone(ring.deferred) === 0,
    settle: () => join(ring.deferred),
    close: async () => {
      loss ??= new MetafleetError('CAPABILITY', 'kernel pool: closed');
      await close();
    },
  };
};

const lostThread = (what: string, cause?: unknown): MetafleetError =>
  new MetafleetError('CAPABILITY', `kernel pool: lost a thread: ${what}`, { cause });

const ready = (worker: Worker): Promise<void> =>
  new Promise((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', (cause) => reject(lostThread(messageOf(cause), cause)));
    worker.once('exit', (code) => reject(lostThread(`it ended with code ${code} before it was ready`)));
  });
