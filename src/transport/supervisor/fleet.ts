import { MetafleetError, messageOf } from '../../base/errors.js';
import type { DeviceId } from '../../base/units.js';
import type { Progress } from '../../coordinator/training.js';
import type { PrivateColumns } from '../../device/actor/columns.js';
import type { RoundFinished } from '../../events/round.js';
import type { HostLost, HostRestored } from '../../events/run-event.js';
import { portsOf } from '../channels/address.js';
import { disconnect, giveAway, handOver, orDeath, type Remote } from '../threads/control.js';
import type { CoordinatorControl, CoordinatorSetup } from '../threads/coordinator-thread.js';
import type { HostSetup } from '../threads/host.js';
import { createRoundEvents, type LaunchedCoordinator, launchCoordinator } from './coordinator-launcher.js';
import { growOldHeaps } from './heaps.js';
import { createThreadLauncher } from './host-launcher.js';
import { createHosts } from './hosts.js';
import { watchHooks } from './stuck-hooks.js';
import { createSupervisor } from './supervisor.js';
import { createUtilization } from './utilization.js';

/**
 * The fleet on this machine: a coordinator thread, and device hosts on Piscina threads.
 * Each shard has one never-ending task, so that its state stays on its thread. This side supervises.
 * If a task ends by itself, its thread has died. Then the shard is loaded again on a new thread, and the coordinator runs the round again.
 */
export type FleetOptions = {
  readonly coordinator: Omit<CoordinatorSetup, 'hosts' | 'eventMillis' | 'watch'>;
  readonly host: HostSetup;
  /** One shard of devices per host, contiguous and in order. */
  readonly shards: readonly PrivateColumns[];
  readonly onEvent: (event: RoundFinished | HostLost | HostRestored) => void;
  /** How long the events of rounds may wait for one another, in ms. Default: a tenth of a second. */
  readonly eventMillis?: number;
  /** MB of JavaScript heap that a host may use. 0: Node's limit. Beyond it, the host dies and is restored. */
  readonly hostHeap?: number;
  /** Seconds that a call of a hook of a user's module may last. Default: a minute. */
  readonly moduleTimeout?: number;
  /** Entries of the host threads and the coordinator's, for tests of faults. Default: metafleet's own. */
  readonly hostEntry?: string;
  readonly coordinatorEntry?: string;
};

/** `utilization`: the share of the host threads' time in devices' training steps. */
export type PoolSample = { readonly queued: number; readonly utilization: number; readonly threads: number };

export type Fleet = {
  readonly coordinator: Remote<CoordinatorControl>;
  readonly parameters: number;
  readonly kernels: 'simd' | 'reference';
  /** The coordinator's `train`. It returns when the events of all its rounds have been passed on. */
  train(until: number): Promise<Progress>;
  /** Rejects when the coordinator thread dies (COORDINATOR_LOST), or the fleet is closed. Race long calls against it. */
  readonly death: Promise<never>;
  /** Ends one of the host threads, as a crash would. */
  killThread(index: number): void;
  killCoordinator(): void;
  /** Predicted ratings by the model that a device holds. null: it holds none with these items. */
  predict(device: DeviceId, items: Uint32Array): Promise<Float32Array | null>;
  sample(): PoolSample;
  /** Whether Θ is that of a finished round, and can be asked for. It may not be after a hook of a user's module failed, or never returned. */
  isSound(): Promise<boolean>;
  /** Ends the coordinator's `train` after the round it is in. Nothing happens after `close`. */
  interrupt(): void;
  /** Ends all threads, when they have answered. */
  close(): Promise<void>;
  /** Ends all threads, without waiting for what they are doing. Resolves when the coordinator's thread has ended. */
  abandon(): Promise<void>;
};

/** To wake this thread, and to fill the caches again that rounds have emptied, costs more than its work on an event. */
const EVENT_MILLIS = 100;

const MODULE_SECONDS = 60;

/** A coordinator that does not end by itself in this time is ended. Its disk may hang, for example. */
const CLOSE_MILLIS = 10_000;

const deadline = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, CLOSE_MILLIS).unref());

/** Ends calls of a user's module that never return. On the coordinator's thread, every call to it fails. On a host's, `fail` ends the run. */
const watchModule = (
  { host, coordinator: { settings }, moduleTimeout = MODULE_SECONDS }: Pick<FleetOptions, 'host' | 'coordinator' | 'moduleTimeout'>,
  hosts: number,
  coordinator: LaunchedCoordinator,
  fail: (error: MetafleetError) => void,
) => {
  const setups = [host.algorithm, ...(host.updates ?? []), settings.sampler, settings.aggregator];
  const modules = setups.flatMap(({ module }) => (module === undefined ? [] : [module.name]));
  if (modules.length === 0) return undefined;
  let isCoordinator = false;
  const onStuck = (who: 'coordinator' | 'host', error: MetafleetError): void => {
    isCoordinator ||= who === 'coordinator';
    if (isCoordinator) coordinator.end(error);
    else fail(error);
  };
  const hooks = watchHooks({ hosts, modules, timeout: moduleTimeout, onStuck });
  return { hooks, isCoordinator: () => isCoordinator };
};

/** The threads of a run, and the answer to their deaths. */
const launchThreads = ({ shards, onEvent, ...options }: FleetOptions) => {
  const coordinator = launchCoordinator(options.coordinatorEntry);
  const { remote, death } = coordinator;
  const utilization = createUtilization(shards.length);
  let failStart = (_: Error): void => {};
  const startFailure = new Promise<never>((_, reject) => {
    failStart = reject;
  });
  startFailure.catch(() => {});

  const supervisor = createSupervisor(shards.length, {
    failStart: (host, cause) =>
      failStart(new MetafleetError('HOST_LOST', `host ${host} could not be started: ${messageOf(cause)}`, { cause })),
    reportLoss: (host, error) => {
      onEvent({ type: 'host-lost', host, reason: messageOf(error) });
      return remote.lost(host, messageOf(error));
    },
    restart: (host) => hosts.start(host),
    reportRestart: (host) => onEvent({ type: 'host-restored', host, devices: shards[host]!.devices }),
    giveUp: (host, error) => void remote.fail('HOST_LOST', `host ${host} could not be kept alive: ${messageOf(error)}`).catch(() => {}),
  });
  const rounds = createRoundEvents((finished) => {
    supervisor.happened({ type: 'rounds-finished' });
    for (const event of finished) {
      utilization.add(event.deviceMillis);
      onEvent(event);
    }
  });
  const stuck = watchModule(options, shards.length, coordinator, (error) => {
    failStart(error);
    void remote.fail('MODULE', error.message).catch(() => {});
  });
  const watchOf = (host: number) => stuck?.hooks.hosts[host];
  const hosts = createHosts({
    shards,
    launcher: createThreadLauncher({ setup: options.host, hostEntry: options.hostEntry, hostHeap: options.hostHeap, watchOf }),
    attach: (host, activity, address) =>
      orDeath(remote.attach(host, shards[host]!.firstDevice, giveAway(activity), handOver(address, portsOf(address))), death),
    onEnd: (host, error) => {
      if (supervisor.isClosing()) return;
      rounds.take();
      hosts.forget(host);
      supervisor.happened({ type: 'host-ended', host, error });
    },
    isClosing: supervisor.isClosing,
  });
  return { coordinator, hosts, rounds, utilization, startFailure, stuck, happened: supervisor.happened };
};

type Threads = ReturnType<typeof launchThreads>;

const shutDown = async ({ coordinator, hosts, rounds, stuck, happened }: Threads): Promise<void> => {
  happened({ type: 'closing' });
  stuck?.hooks.close();
  coordinator.end(new Error('the run was closed'));
  hosts.stop();
  if (stuck?.isCoordinator() !== true) await Promise.race([coordinator.remote.close(), coordinator.exited, deadline()]).catch(() => {});
  disconnect(coordinator.remote);
  rounds.close();
  await Promise.all([coordinator.terminate(), hosts.destroy()]);
};

const train = async ({ coordinator, rounds }: Threads, until: number): Promise<Progress> => {
  try {
    return await orDeath(coordinator.remote.train(until), coordinator.death);
  } finally {
    // Messages posted before the answer are there when the answer is, also those through another port.
    rounds.take();
  }
};

export const startFleet = async (options: FleetOptions): Promise<Fleet> => {
  const { shards } = options;
  growOldHeaps();
  const threads = launchThreads(options);
  const { coordinator, hosts, rounds, utilization, startFailure, stuck, happened } = threads;
  const { remote, death } = coordinator;
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= shutDown(threads);
    return closed;
  };
  const abandon = async (): Promise<void> => {
    // Its death ends what `close` waits for.
    await coordinator.terminate();
    void close();
  };

  try {
    const watch = stuck?.hooks.coordinator;
    const eventMillis = options.eventMillis ?? EVENT_MILLIS;
    const setup = { ...options.coordinator, hosts: shards.length, eventMillis, ...(watch === undefined ? {} : { watch }) };
    const started = await orDeath(remote.start(setup, handOver(rounds.port, [rounds.port])), death);
    await Promise.race([Promise.all(shards.map((_, host) => hosts.start(host))), startFailure]);
    happened({ type: 'all-started' });
    return {
      coordinator: remote,
      ...started,
      train: (until) => train(threads, until),
      death,
      killThread: hosts.kill,
      killCoordinator: () => void coordinator.terminate(),
      predict: hosts.predict,
      isSound: async () => stuck?.isCoordinator() !== true && (await orDeath(remote.isSound(), death)),
      sample: () => ({ ...hosts.load(), utilization: utilization.sample() }),
      interrupt: () => {
        if (closed === undefined) void remote.interrupt().catch(() => {});
      },
      close,
      abandon,
    };
  } catch (error) {
    await close();
    throw error;
  }
};
