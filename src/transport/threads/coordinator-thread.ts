import type { MessagePort } from 'node:worker_threads';
import type { World } from '../../algorithms/port/definition.js';
import type { ServerHalf } from '../../algorithms/port/server.js';
import { type AlgorithmSetup, loadAlgorithm } from '../../algorithms/registry.js';
import { MetafleetError } from '../../base/errors.js';
import type { DeviceId } from '../../base/units.js';
import { loadAggregator } from '../../coordinator/aggregation/registry.js';
import { type Coordinator, createCoordinator } from '../../coordinator/coordinator.js';
import { createRecorder } from '../../coordinator/round/recorder.js';
import { loadSampler } from '../../coordinator/sampling/registry.js';
import type { CheckIn } from '../../coordinator/sampling/sampler.js';
import type { RoundSettings } from '../../coordinator/settings.js';
import type { HookWatch } from '../../definitions/hook-watch.js';
import { isAvailable } from '../../device/hardware/availability.js';
import { type FleetSetup, isCharging, localTime, profileOf } from '../../device/hardware/profile.js';
import type { RoundFinished } from '../../events/round.js';
import { loadServerSteps } from '../../updates/server-steps.js';
import { type HostAddress, openChannel } from '../channels/address.js';
import { createDevicesLink, type DevicesLink } from '../exchange/devices-link.js';
import { expose } from './control.js';

/** The thread that owns Θ: the coordinator actor behind Comlink, its link to the hosts, its kernel threads. */
export type CoordinatorSetup = {
  readonly algorithm: AlgorithmSetup;
  readonly world: World;
  readonly settings: RoundSettings;
  readonly hosts: number;
  /** Kernel threads, the coordinator's own included. */
  readonly threads: number;
  /** Devices whose flights are recorded. Default: none. */
  readonly recorded?: readonly DeviceId[];
  /** Absent: no fleet is simulated. */
  readonly fleet?: FleetSetup;
  /** Of a user's module: shows which of its hooks is being called. */
  readonly watch?: HookWatch;
  /** How long events of rounds may wait for one another. */
  readonly eventMillis: number;
};

export type CoordinatorControl = Omit<Coordinator, 'parameters' | 'kernels'> & {
  /** Creates Θ. Events of type `round` go to `events`, several in one message. All events of `train` are sent before its answer. */
  start(setup: CoordinatorSetup, events: MessagePort): Promise<{ readonly parameters: number; readonly kernels: ServerHalf['kernels'] }>;
  attach(host: number, firstDevice: number, activity: Uint32Array, address: HostAddress): void;
  lost(host: number, reason: string): void;
  /** Every call fails from now on. HOST_LOST: a host cannot be kept alive. MODULE: a user's module failed on a host. */
  fail(code: 'HOST_LOST' | 'MODULE', reason: string): void;
  /** Whether Θ is that of a finished round. It may not be where a hook of a user's module that changes it has failed. */
  isSound(): boolean;
};

/** At check-in devices say whether they are charging. The coordinator may know that. */
const checkInOf =
  (fleet: FleetSetup): CheckIn =>
  (device, now) => {
    const local = localTime(fleet, device, now);
    if (!isAvailable(fleet.availability, fleet.seed, device, now, local)) return 'away';
    return isCharging(fleet.profiles[profileOf(fleet, device)]!.battery, local) ? 'charging' : 'reachable';
  };

/** Each message wakes its receiver. That costs the thread more than its work on an event. */
const createEventPost = (port: MessagePort, delay: number) => {
  let waiting: RoundFinished[] = [];
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length > 0) port.postMessage(waiting);
    waiting = [];
  };
  const add = (event: RoundFinished): void => {
    waiting.push(event);
    timer ??= setTimeout(flush, delay);
  };
  return { add, flush };
};

type Started = {
  readonly flush: () => void;
  readonly link: DevicesLink;
  readonly activity: Uint32Array;
  readonly coordinator: Coordinator;
  readonly isSound: () => boolean;
};

export const serveCoordinator = (control: MessagePort): void => {
  let started: Started | undefined;
  let failure: MetafleetError | undefined;
  /** For the coordinator HOST_LOST means "again". If no host is left to try with, the caller gets it. */
  const orFailure = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw failure ?? error;
    }
  };
  const running = (): Started => {
    if (started === undefined) throw new Error('the coordinator has not been started');
    return started;
  };
  const api: CoordinatorControl = {
    start: async ({ algorithm: setup, world, settings, hosts, threads, recorded, fleet, watch, eventMillis }, events) => {
      const algorithm = await loadAlgorithm(setup, world, watch);
      const server = await algorithm.createServer({ seed: settings.seed, threads, rounds: settings.rounds });
      const link = createDevicesLink(hosts, createRecorder({ devices: world.devices, recorded }));
      const activity = new Uint32Array(world.devices);
      const { add, flush } = createEventPost(events, eventMillis);
      const coordinator = createCoordinator({
        algorithm,
        server,
        world,
        devices: link,
        settings,
        activity,
        aggregator: await loadAggregator(settings.aggregator, { wire: algorithm.wire, items: world.items }, watch),
        steps: await loadServerSteps(settings.updates ?? [], { up: algorithm.wire.up, items: world.items }, settings.seed, watch),
        sampler: await loadSampler(settings.sampler, watch),
        emit: add,
        ...(fleet === undefined ? {} : { checkIn: checkInOf(fleet) }),
      });
      started = { link, activity, coordinator, flush, isSound: () => algorithm.isBroken?.() !== true };
      return { parameters: coordinator.parameters, kernels: coordinator.kernels };
    },
    attach: (host, firstDevice, activity, address) => {
      running().activity.set(activity, firstDevice);
      running().link.attach(host, firstDevice, openChannel(address));
    },
    lost: (host, reason) => {
      running().flush();
      running().link.lost(host, reason);
    },
    fail: (code, reason) => {
      failure = new MetafleetError(code, reason);
      running().link.fail(new Error(reason));
    },
    isSound: () => running().isSound(),
    train: async (until) => {
      const { coordinator, flush } = running();
      try {
        return await orFailure(coordinator.train(until));
      } finally {
        flush();
      }
    },
    interrupt: () => running().coordinator.interrupt(),
    evaluate: () => orFailure(running().coordinator.evaluate()),
    digest: () => running().coordinator.digest(),
    save: (path, run, options) => running().coordinator.save(path, run, options),
    saveHeld: (path) => running().coordinator.saveHeld(path),
    restore: (path) => running().coordinator.restore(path),
    restoreWeights: (path) => running().coordinator.restoreWeights(path),
    scoreFleet: () => orFailure(running().coordinator.scoreFleet()),
    models: (devices, rows) => running().coordinator.models(devices, rows),
    close: () => running().coordinator.close(),
  };
  expose(api, control);
};
