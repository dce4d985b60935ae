import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { HookWatch } from '../../definitions/hook-watch.js';
import type { HostAddress } from '../channels/address.js';
import { connect, type Remote } from '../threads/control.js';
import type { HostControl, HostSetup } from '../threads/host.js';
import type { HostTask } from '../threads/host-thread.js';
import { entry } from './entries.js';
import { YOUNG_MEGABYTES } from './heaps.js';

/** Starts hosts. */
export type HostLauncher = { readonly launch: (host: number) => LaunchedHost };

/** A started host. It may be dead already. */
export type LaunchedHost = {
  readonly remote: Remote<HostControl>;
  /** Where the coordinator reaches it. */
  readonly address: HostAddress;
  /** Rejects when the host has died. */
  readonly ended: Promise<never>;
  /** Closes the connections of a host that never served: an open port would keep the process alive. */
  readonly abandon: () => void;
  /** Ends its thread, as a crash would. */
  readonly kill: () => void;
  readonly destroy: () => Promise<void>;
  readonly load: () => { readonly queued: number; readonly threads: number };
};

export type LauncherOptions = {
  readonly setup: HostSetup;
  /** The thread's entry. Default: metafleet's own. */
  readonly hostEntry?: string | undefined;
  /** MB of JavaScript heap that a host may use. 0 or absent: Node's limit. */
  readonly hostHeap?: number | undefined;
  /** Shows which hook of a user's module a host is in. */
  readonly watchOf?: (host: number) => HookWatch | undefined;
};

/**
 * Piscina requires a host's entry, which is an ES module. If a thread is ended at that time, Node (20.20) ends the process:
 * `v8::Module::IsGraphAsync must be used on an instantiated module`. With this flag require fails, and Piscina imports the entry.
 * The process's own flags are not repeated: a thread with flags refuses those of V8, which hold for the whole process anyway.
 */
const IMPORT_ENTRIES = process.allowedNodeEnvironmentFlags.has('--experimental-require-module') ? ['--no-experimental-require-module'] : [];

/**
 * A pool of one thread for one host. Piscina counts its first threads as ready.
 * So no thread that dies before it takes its task leaves the task in the queue, and a host's number gives its thread.
 */
const createPool = (filename: string, heapMegabytes: number): Piscina => {
  // With a blocking wait between tasks, a host's ports would stop after its task had returned.
  const old = heapMegabytes === 0 ? {} : { maxOldGenerationSizeMb: heapMegabytes };
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MEGABYTES, ...old };
  const threads = { minThreads: 1, maxThreads: 1, execArgv: IMPORT_ENTRIES, resourceLimits };
  const pool = new Piscina({ filename, name: 'serveHost', atomics: 'disabled', ...threads });
  // Piscina starts a new thread in a dead one's place before the pool is closed. An error outside a task is that thread's: nothing waits for it.
  pool.on('error', () => {});
  return pool;
};

/** Hosts on Piscina threads of this process. Each serves in one never-ending task. If it ends by itself, its thread has died. */
export const createThreadLauncher = ({ setup, hostEntry, hostHeap, watchOf }: LauncherOptions): HostLauncher => ({
  launch: (host) => {
    const pool = createPool(hostEntry ?? entry('device-host'), hostHeap ?? 0);
    const control = new MessageChannel();
    const traffic = new MessageChannel();
    const watch = watchOf?.(host);
    const task: HostTask = { host, setup, control: control.port2, traffic: traffic.port2, ...(watch === undefined ? {} : { watch }) };
    const run = pool.run(task, { transferList: [control.port2, traffic.port2] }) as Promise<void>;
    return {
      remote: connect<HostControl>(control.port1),
      address: { kind: 'port', port: traffic.port1 },
      ended: run.then(() => Promise.reject(new Error('its task ended'))),
      abandon: () => {
        control.port1.close();
        traffic.port1.close();
      },
      kill: () => void pool.threads[0]?.terminate(),
      destroy: () => pool.destroy(),
      load: () => ({ queued: pool.queueSize, threads: pool.threads.length }),
    };
  },
});
