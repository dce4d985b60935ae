import { MetafleetError } from '../../base/errors.js';
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
import { lostThread, startKernelThreads } from './kernel-threads.js';
import type { KernelPool, KernelSet, KernelTask } from './kernels.js';
import { chooseImplementation, type Implementation } from './probe.js';

export type KernelPoolOptions<All extends KernelSet> = {
  /** The kernels that tasks may name, by their definition. The threads know all kernels (workers/kernel.ts). */
  readonly reference: Reference<All>;
  /** Threads that compute, the caller's own included. With 1 there is no other. */
  readonly threads: number;
  /** The shared memories that tasks name by index. They may grow later; none can be added. */
  readonly memories: readonly WebAssembly.Memory[];
  /** Default: SIMD where the machine has it. */
  readonly implementation?: Implementation;
  /** The built workers/kernel.js. */
  readonly workerFile?: string;
};

/**
 * Starts the threads, and resolves when each holds its kernels on every memory. Between runs they sleep. They keep no process alive.
 *
 * `run` throws Error when a kernel traps, or reads or writes outside its memory. Then the outputs of the batch are undefined, and the pool stays usable.
 * It throws MetafleetError CAPABILITY when a thread has died. Then the pool is lost.
 * @throws MetafleetError CAPABILITY when SIMD is asked for and missing, or a thread cannot start.
 */
export const createKernelPool = async <All extends KernelSet>(options: KernelPoolOptions<All>): Promise<KernelPool<All>> => {
  const { threads, memories, reference, workerFile } = options;
  if (!Number.isInteger(threads) || threads < 1) throw new RangeError(`kernel pool: expected at least 1 thread, found ${threads}`);
  const implementation = chooseImplementation(options.implementation);
  const kernels = memories.map((memory) => instantiate(implementation, memory, reference));
  const names = Object.keys(kernels[0] ?? {});
  const ring = createRing(names);
  const others = await startKernelThreads(threads - 1, { ring: ring.buffer, names, memories, implementation }, workerFile);

  /** Takes this thread's share of a lane's tasks, and blocks until all are done. */
  const finish = (lane: Lane): void => {
    if (others.loss !== undefined) throw others.loss;
    drain(ring, lane, kernels);
    if (!awaitDone(ring, lane)) {
      others.loss = lostThread('it ended while it ran a task');
      throw others.loss;
    }
    const failure = takeFailure(lane);
    if (failure !== undefined) throw new Error(failure);
  };
  /**
   * Gives tasks to the other threads, after those of the lane that are not done, and wakes at most `wanted` threads.
   * Returns a function that waits for them and returns their values.
   */
  const hand = (lane: Lane, tasks: readonly KernelTask<All>[], wanted = tasks.length): (() => Float64Array) => {
    if (others.count === 0 || tasks.length > CAPACITY) {
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
    if (others.loss !== undefined) throw others.loss;
    if (others.count === 0 || tasks.length === 1) return Float64Array.from(tasks, (task) => execute(kernels, task));
    const results = new Float64Array(tasks.length);
    for (let at = 0; at < tasks.length; at += CAPACITY) {
      const batch = tasks.slice(at, at + CAPACITY);
      // One of them is for this thread.
      results.set(hand(ring.urgent, batch, batch.length - 1)(), at);
    }
    return results;
  };
  const join = (lane: Lane): void => {
    if (others.count > 0) finish(lane);
  };

  return {
    memories,
    implementation,
    threads,
    on: (memory) => kernelsOn(kernels, memory),
    run,
    begin: (tasks) => void hand(ring.urgent, tasks),
    finish: () => join(ring.urgent),
    defer: (tasks) => {
      join(ring.deferred);
      return hand(ring.deferred, tasks);
    },
    isSettled: () => others.count === 0 || undone(ring.deferred) === 0,
    settle: () => join(ring.deferred),
    close: async () => {
      others.loss ??= new MetafleetError('CAPABILITY', 'kernel pool: closed');
      await others.close();
    },
  };
};

const kernelsOn = <All extends KernelSet>(kernels: readonly All[], memory: number): All => {
  const found = kernels[memory];
  if (found === undefined) throw new RangeError(`kernel pool: expected one of ${kernels.length} memories, found memory ${memory}`);
  return found;
};
