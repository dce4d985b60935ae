import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { MessageChannel, Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { MetafleetError, messageOf } from '../../base/errors.js';
import type { DeviceId } from '../../base/units.js';
import type { Progress } from '../../coordinator/coordinator.js';
import type { PrivateColumns } from '../../device/actor/columns.js';
import type { RoundFinished } from '../../events/round.js';
import type { HostLost, HostRestored } from '../../events/run-event.js';
import { arrivedOn } from '../threads/arrived.js';
import { connect, disconnect, handOver, orDeath, type Remote } from '../threads/control.js';
import type { CoordinatorControl, CoordinatorSetup } from '../threads/coordinator-thread.js';
import type { HostControl, HostSetup, HostTask } from '../threads/host.js';

/**
 * The fleet on this machine: a coordinator thread, and device hosts on Piscina threads, one never-ending task per shard so that
 * a shard's state stays on its thread. This side supervises: a task that ends by itself means its thread died; the shard is
 * loaded again on a fresh thread, and the coordinator runs the interrupted round again.
 */
export type FleetOptions = {
  readonly coordinator: Omit<CoordinatorSetup, 'hosts' | 'eventMillis'>;
  readonly host: HostSetup;
  /** One shard of devices per host, contiguous and in order. */
  readonly shards: readonly PrivateColumns[];
  readonly onEvent: (event: RoundFinished | HostLost | HostRestored) => void;
  /** How long the events of rounds may wait for one another, in ms; default: a tenth of a second. */
  readonly eventMillis?: number;
  /** MB of JavaScript heap a host may use; 0: as Node has it. Beyond it, the host dies and is restored. */
  readonly hostHeap?: number;
  /** Entries of the host threads and the coordinator's, for tests of faults; default: metafleet's own. */
  readonly hostEntry?: string;
  readonly coordinatorEntry?: string;
};

/**
 * `utilization`: the share of the host threads' time that went into devices' training steps, over the time between the last two
 * samples that are at least a window apart. (Piscina's own figure counts ended tasks, of which there are none.)
 */
export type PoolSample = { readonly queued: number; readonly utilization: number; readonly threads: number };

export type Fleet = {
  readonly coordinator: Remote<CoordinatorControl>;
  readonly parameters: number;
  readonly kernels: 'simd' | 'reference';
  /** The coordinator's `train`; returns when the events of all its rounds have been handed on. */
  train(until: number): Promise<Progress>;
  /** Rejects when the coordinator thread dies (COORDINATOR_LOST) or the fleet is closed: race long calls against it. */
  readonly death: Promise<never>;
  /** Ends one of the host threads, as a crash would. */
  killThread(index: number): void;
  killCoordinator(): void;
  /** Predicted ratings by the model a device holds, or null where it holds none of those items. */
  predict(device: DeviceId, items: Uint32Array): Promise<Float32Array | null>;
  sample(): PoolSample;
  close(): Promise<void>;
};

const entry = (name: string): string => createRequire(import.meta.url).resolve(`#built/workers/${name}.js`);

/** Waking this thread, and filling the caches again that rounds have emptied, costs more than what it does with an event. */
const EVENT_MILLIS = 100;

/** One scrape takes several samples. */
const WINDOW_MILLIS = 500;

/** A coordinator that cannot end by itself in this time, such as one whose disk hangs, is ended. */
const CLOSE_MILLIS = 10_000;

const deadline = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, CLOSE_MILLIS).unref());

/** Deaths of one host without a finished round in between that are taken for bad luck. */
const MOST_DEATHS = 5;

/**
 * Half of what V8 gives a thread for young objects. Buffers come and go with the messages, and V8 counts those that its cheap collections
 * of young objects have not met yet among the old: with the default, whole heaps were collected each nine rounds of FedAvg, with this half as often.
 */
const YOUNG_MEGABYTES = 24;

/**
 * What a thread's old objects may grow to before V8 collects its whole heap for the first time, and ever again. It counts the buffers of messages that
 * are under way among them, and collected each 15 full rounds of a coordinator whose heap is 10 MB; with it went the machine code of all functions
 * that live for a round only, which then was made anew: a twentieth of a round's processor time. Read when a thread starts; there is no other way to say it.
 */
const OLD_MEGABYTES = 32;

type HostState = {
  pool: Piscina | undefined;
  remote: Remote<HostControl> | undefined;
  /** Resolves when the host is no more. */
  gone: Promise<null>;
  deaths: number;
};

/**
 * Piscina requires a host's entry, which is an ES module, and Node (20.20) ends the process where a thread is ended while it does that:
 * `v8::Module::IsGraphAsync must be used on an instantiated module`. Told that it cannot, Piscina imports it. The process's own flags are not
 * repeated: a thread that is given any refuses V8's, which hold for the whole process anyway.
 */
const IMPORT_ENTRIES = process.allowedNodeEnvironmentFlags.has('--experimental-require-module') ? ['--no-experimental-require-module'] : [];

/**
 * A pool of one thread for one host. Piscina counts the threads it starts with as ready: a task is then never left in the queue by
 * a thread that died before it could take it, and a host's number tells its thread.
 */
const createPool = (filename: string, heapMegabytes: number): Piscina => {
  // A blocking wait between tasks would stop a host's ports once its task had returned.
  const old = heapMegabytes === 0 ? {} : { maxOldGenerationSizeMb: heapMegabytes };
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MEGABYTES, ...old };
  const threads = { minThreads: 1, maxThreads: 1, execArgv: IMPORT_ENTRIES, resourceLimits };
  const pool = new Piscina({ filename, name: 'serveHost', atomics: 'disabled', ...threads });
  // An error outside a task is that of a thread Piscina put in a dead one's place before the pool was given up: nobody waits for it.
  pool.on('error', () => {});
  return pool;
};

export const startFleet = async (options: FleetOptions): Promise<Fleet> => {
  const { shards, onEvent } = options;
  let phase: 'starting' | 'serving' | 'closing' = 'starting';
  const isClosing = (): boolean => phase === 'closing';

  // For every thread of the process that starts from now on.
  setFlagsFromString(`--initial-old-space-size=${OLD_MEGABYTES}`);
  const worker = new Worker(options.coordinatorEntry ?? entry('coordinator'), {
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
  });
  let endRun = (_: Error): void => {};
  const death = new Promise<never>((_, reject) => {
    endRun = reject;
    const lost = (how: string, cause?: unknown): void =>
      reject(new MetafleetError('COORDINATOR_LOST', `the coordinator thread ${how}`, { cause }));
    worker.once('error', (error) => lost(`died: ${messageOf(error)}`, error));
    worker.once('exit', (code) => lost(`ended with code ${code}`));
  });
  death.catch(() => {}); // Handled by whoever races against it.
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const coordinator = connect<CoordinatorControl>(worker);

  const events = new MessageChannel();
  const hosts = shards.map((): HostState => {
    return { pool: undefined, remote: undefined, gone: Promise.resolve(null), deaths: 0 };
  });
  let busyMillis = 0;
  let utilization = 0;
  let windowStart = performance.now();
  const handOn = (rounds: readonly RoundFinished[]): void => {
    for (const event of rounds) {
      for (const host of hosts) host.deaths = 0;
      for (const time of event.deviceMillis) busyMillis += time;
      onEvent(event);
    }
  };
  events.port1.on('message', handOn);
  events.port1.unref();
  const takeRounds = (): void => {
    for (const rounds of arrivedOn<readonly RoundFinished[]>(events.port1)) handOn(rounds);
  };
  const train = async (until: number): Promise<Progress> => {
    try {
      return await orDeath(coordinator.train(until), death);
    } finally {
      // What was posted before the answer is there when the answer is, also through another port.
      takeRounds();
    }
  };

  /** False when the host died before it was there: its end is then being dealt with, as any host's. */
  const startHost = async (index: number): Promise<boolean> => {
    const host = hosts[index]!;
    await host.pool?.destroy();
    if (isClosing()) return false;
    host.pool = createPool(options.hostEntry ?? entry('device-host'), options.hostHeap ?? 0);
    const control = new MessageChannel();
    const traffic = new MessageChannel();
    const task: HostTask = { host: index, setup: options.host, control: control.port2, traffic: traffic.port2 };
    const run = host.pool.run(task, { transferList: [control.port2, traffic.port2] }) as Promise<void>;
    const ended = run.then(() => Promise.reject(new Error('its task ended')));
    let dead = false;
    host.gone = ended.catch((error: unknown) => {
      dead = true;
      onHostEnd(index, error);
      return null;
    });
    const remote = connect<HostControl>(control.port1);
    try {
      const activity = await orDeath(remote.load(shards[index]!) as Promise<Uint32Array>, ended);
      host.remote = remote;
      await orDeath(coordinator.attach(index, shards[index]!.firstDevice, activity, handOver(traffic.port1)), death);
      return !dead;
    } catch (error) {
      // An open port would keep the process alive.
      control.port1.close();
      traffic.port1.close();
      if (dead) return false;
      throw error;
    }
  };

  let failStart = (_: Error): void => {};
  const startFailure = new Promise<never>((_, reject) => {
    failStart = reject;
  });
  startFailure.catch(() => {});

  const giveUp = (index: number, why: string): void => {
    void Promise.resolve(coordinator.fail(`host ${index} could not be kept alive: ${why}`)).catch(() => {});
  };
  const onHostEnd = (index: number, error: unknown): void => {
    if (isClosing()) return;
    takeRounds();
    const host = hosts[index]!;
    if (host.remote !== undefined) disconnect(host.remote);
    host.remote = undefined;
    host.deaths += 1;
    const reason = messageOf(error);
    if (phase === 'starting') {
      failStart(new MetafleetError('HOST_LOST', `host ${index} could not be started: ${reason}`, { cause: error }));
      return;
    }
    onEvent({ type: 'host-lost', host: index, reason });
    const restore = async (): Promise<void> => {
      await coordinator.lost(index, reason);
      if (host.deaths > MOST_DEATHS) giveUp(index, reason);
      else if (await startHost(index)) onEvent({ type: 'host-restored', host: index, devices: shards[index]!.devices });
    };
    restore().catch((failure: unknown) => {
      if (!isClosing()) giveUp(index, messageOf(failure));
    });
  };

  const shutDown = async (): Promise<void> => {
    phase = 'closing';
    endRun(new Error('the run was closed'));
    for (const { remote } of hosts) {
      if (remote === undefined) continue;
      void remote.stop().catch(() => {});
      disconnect(remote);
    }
    await Promise.race([coordinator.close(), exited, deadline()]).catch(() => {});
    disconnect(coordinator);
    events.port1.close();
    await Promise.all([worker.terminate(), ...hosts.map(({ pool }) => pool?.destroy())]);
  };
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= shutDown();
    return closed;
  };

  try {
    const started = await orDeath(
      coordinator.start(
        { ...options.coordinator, hosts: shards.length, eventMillis: options.eventMillis ?? EVENT_MILLIS },
        handOver(events.port2),
      ),
      death,
    );
    await Promise.race([Promise.all(shards.map((_, index) => startHost(index))), startFailure]);
    phase = 'serving';
    return {
      coordinator,
      ...started,
      train,
      death,
      killThread: (index) => void hosts[index]?.pool?.threads[0]?.terminate(),
      killCoordinator: () => void worker.terminate(),
      predict: async (device, items) => {
        const host = hosts[shards.findLastIndex(({ firstDevice }) => firstDevice <= device)];
        // A host that dies takes the models along.
        return host?.remote === undefined ? null : Promise.race([host.remote.predict(device, items), host.gone]);
      },
      sample: () => {
        const millis = performance.now() - windowStart;
        if (millis >= WINDOW_MILLIS) {
          // A round's work is known at its end: of a long one, more than fits the window.
          utilization = Math.min(1, busyMillis / (shards.length * millis));
          windowStart += millis;
          busyMillis = 0;
        }
        return {
          queued: hosts.reduce((sum, { pool }) => sum + (pool?.queueSize ?? 0), 0),
          utilization,
          threads: hosts.reduce((sum, { pool }) => sum + (pool?.threads.length ?? 0), 0),
        };
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};
