import { readdirSync } from 'node:fs';
import { collectDefaultMetrics, type Histogram } from 'prom-client';
import { THREAD_ROLES } from '../../events/round.js';
import type { Instruments } from './instruments.js';
import type { Subject } from './subject.js';

/** The thread pool's state at a scrape. */
export type PoolSample = {
  /** Tasks waiting for a thread. */
  readonly queued: number;
  /** Share of the threads' time spent on tasks, 0 … 1. */
  readonly utilization: number;
  readonly threads: number;
};

/**
 * Metrics of prom-client about handles, requests and resources, which are left out.
 * Their series come and go by the names of classes. Their gauges have names of counters, which promtool rejects.
 */
const UNWANTED = ['handles', 'requests', 'resources'].flatMap((what) => [`nodejs_active_${what}`, `nodejs_active_${what}_total`]);

const GC_KINDS = ['major', 'minor', 'incremental', 'weakcb'];

/** The process and its threads. prom-client's own metrics are those of the main thread, which observes. The other threads do the work. */
export const processMetrics = ({ registry, gauge, gauges, counters, sampled }: Instruments, pool?: () => PoolSample): Subject => {
  // The default of 100 looks a second wakes the thread more often than all other work.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 });
  for (const name of UNWANTED) registry.removeSingleMetric(name);
  // The series exist from the start, not from the first collection of a kind.
  const collections = registry.getSingleMetric('nodejs_gc_duration_seconds') as Histogram<'kind'> | undefined;
  for (const kind of GC_KINDS) collections?.zero({ kind });
  const heap = gauges('heap_used_bytes', ['thread'], 'JavaScript heap in use on the threads of a role, after the last round');
  const gc = counters('gc_seconds_total', ['thread'], 'Time spent collecting garbage on the threads of a role');
  const shared = gauge('kernel_memory_bytes', 'Shared memory of the kernels: parameters, gradients, optimizer state, scratch');
  sampled('os_threads', 'Threads of the process, those of Node itself included (Linux)', osThreads);
  if (pool !== undefined) {
    sampled('pool_queue_size', 'Tasks waiting for a thread of the pool of device hosts', () => pool().queued);
    sampled('pool_utilization_ratio', "Share of the host threads' time spent on training steps", () => pool().utilization);
    sampled('pool_threads', 'Threads of the pool of device hosts', () => pool().threads);
  }
  const roles = THREAD_ROLES.map((thread) => ({ thread, heap: heap({ thread }), gc: gc({ thread }) }));
  return {
    round: (event) => {
      for (const role of roles) {
        const use = event.threads[role.thread];
        role.heap.value = use.heapBytes;
        role.gc.value += use.gcMillis / 1000;
      }
      shared.value = event.kernelBytes;
    },
  };
};

const osThreads = (): number | undefined => {
  try {
    return readdirSync('/proc/self/task').length;
  } catch {
    return undefined;
  }
};
