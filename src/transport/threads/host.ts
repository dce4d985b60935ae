import type { World } from '../../algorithms/port/definition.js';
import { type AlgorithmSetup, loadAlgorithm } from '../../algorithms/registry.js';
import { sharedNow } from '../../base/clock.js';
import { isMetafleetError, messageOf } from '../../base/errors.js';
import { type Bytes, type DeviceId, millis } from '../../base/units.js';
import { layoutOf, type SecureSettings } from '../../coordinator/secure/settings.js';
import type { HookWatch } from '../../definitions/hook-watch.js';
import type { DefinitionSetup } from '../../definitions/kind.js';
import { scoreItems } from '../../device/actor/actor.js';
import type { BatchOptions } from '../../device/actor/batch.js';
import { activityOf, type PrivateColumns } from '../../device/actor/columns.js';
import { createMeasure, type MeasureOptions } from '../../device/actor/measure.js';
import { createModelStore } from '../../device/actor/model-store.js';
import type { FleetSetup } from '../../device/hardware/profile.js';
import type { Simulation } from '../../device/hardware/simulate.js';
import { createSecureDevices } from '../../device/secure/secure-device.js';
import { decodeFrame } from '../../messages/frame.js';
import type { Dtype } from '../../messages/tensor-form.js';
import { loadUpdateSteps } from '../../updates/device-steps.js';
import { type FrameDown, type FrameUp, LARGE_FRAME } from '../exchange/envelope.js';
import type { CoordinatorChannel } from '../exchange/host-channel.js';
import { createThreadMeter, type ThreadMeter } from '../exchange/thread-meter.js';
import { type Answering, answerFrame, answerSimulated } from './answer-frame.js';
import { giveAway } from './control.js';
import { createHostFaults, type HostPerturbations } from './host-faults.js';
import { createKeeping } from './keeping.js';

/** A device host: a shard of devices with their private columns and their generated models. It knows neither its thread nor its process. */
export type HostSetup = {
  readonly algorithm: AlgorithmSetup;
  readonly world: World;
  readonly dtype: Dtype;
  readonly batch: BatchOptions;
  readonly measure: MeasureOptions;
  /** Update steps, in order; absent: none. */
  readonly updates?: readonly DefinitionSetup[];
  /** Absent: updates travel one by one. */
  readonly secure?: SecureSettings;
  /** Budget for generated models on this host. */
  readonly modelBytes: Bytes;
  /** Absent: devices have no limits and take no virtual time. */
  readonly fleet?: FleetSetup;
  /** Absent: no faults, at no cost. */
  readonly perturbations?: HostPerturbations;
};

export type HostPlace = {
  readonly host: number;
  readonly setup: HostSetup;
  /** The host's end of its channel. Closed when the host is stopped. */
  readonly channel: CoordinatorChannel;
  /** Of a user's module: shows which of its hooks is being called. */
  readonly watch?: HookWatch | undefined;
  /** Gives the main thread these calls to make. */
  readonly expose: (api: HostControl) => void;
};

/** The calls of the main thread. No answer holds a rating. */
export type HostControl = {
  /** Takes the private ratings of a shard. Returns the number of training ratings of each of its devices. */
  load(columns: PrivateColumns): Uint32Array;
  inspect(): { readonly devices: number; readonly models: number; readonly bytes: Bytes };
  /** Predicted ratings of items by the model that a device holds. null: it holds none with these items. */
  predict(device: DeviceId, items: Uint32Array): Float32Array | null;
  stop(): void;
};

/** Later than any round, so that a device's state is its newest. */
const NEWEST = Number.MAX_SAFE_INTEGER - 1;

type Loaded = { readonly answering: Answering; readonly simulation: Simulation | undefined };

const answer = async (
  { answering, simulation }: Loaded,
  meter: ThreadMeter,
  { exchange, frame, length, sent, at }: FrameDown,
): Promise<FrameUp> => {
  const waited = millis(sharedNow() - sent);
  const start = performance.now();
  const decoded = decodeFrame(frame, length, 'frame from the coordinator');
  const { messages } = decoded;
  await answering.context.secure?.devices.prepare(messages);
  const isTraining = messages.every(({ kind }) => kind === 'model');
  const arrived = { decoded, start, share: (performance.now() - start) / messages.length, isTraining };
  if (isTraining) answering.faults.delay();
  const isSimulated = simulation !== undefined && at !== undefined;
  const { encoded, costs, deviceMillis } = isSimulated
    ? answerSimulated(answering, simulation, arrived, at)
    : answerFrame(answering, arrived);
  return {
    exchange,
    frame: encoded.frame,
    length: encoded.length,
    sent: sharedNow(),
    waited,
    deviceMillis,
    costs,
    store: answering.keeping.usage(),
    thread: meter.take(),
    spent: frame.byteLength < LARGE_FRAME ? undefined : frame,
  };
};

/** Serves until it is stopped. */
export const serveDevices = async ({ host, setup, channel, watch, expose }: HostPlace): Promise<void> => {
  const { dtype, batch, fleet, perturbations } = setup;
  const algorithm = await loadAlgorithm(setup.algorithm, setup.world, watch);
  const steps = await loadUpdateSteps(setup.updates ?? [], { up: algorithm.wire.up, items: setup.world.items }, watch);
  const { items } = setup.world;
  const secure = setup.secure && {
    devices: createSecureDevices(layoutOf(setup.secure, algorithm.wire.up, items)),
    weighting: setup.secure.weighting,
  };
  const store = createModelStore(setup.modelBytes);
  const keeping = createKeeping(store);
  const faults = createHostFaults(host, perturbations, algorithm.wire.up);
  const meter = createThreadMeter();
  const measure = createMeasure(setup.measure);
  let loaded: Loaded | undefined;

  const handle = async (down: FrameDown): Promise<void> => {
    try {
      if (loaded === undefined) throw new Error('a frame came before the ratings were loaded');
      channel.send(await answer(loaded, meter, down));
    } catch (error) {
      const failure = { code: isMetafleetError(error) ? error.code : null, message: messageOf(error) };
      channel.send({ exchange: down.exchange, failure });
    }
  };
  /** Frames are answered one after the other, in the order in which they came. */
  let last: Promise<void> = Promise.resolve();
  channel.listen((down) => {
    last = last.then(() => handle(down));
  });

  return new Promise((resolve) => {
    const api: HostControl = {
      load: (columns) => {
        const context = { algorithm, columns, dtype, batch, measure, steps, room: store.room, ...(secure && { secure }) };
        const { budgets } = columns;
        const simulation = fleet === undefined || budgets === undefined ? undefined : { setup: fleet, budgets };
        loaded = { answering: { context, keeping, faults }, simulation };
        return giveAway(activityOf(columns));
      },
      inspect: () => {
        const { models, bytes } = store.usage();
        return { devices: loaded?.answering.context.columns.devices ?? 0, models, bytes };
      },
      predict: (device, items) => {
        const model = store.get(device);
        if (loaded === undefined || model === undefined) return null;
        const { rows } = model;
        if (rows !== null && items.some((item) => !rows.includes(item))) return null;
        return scoreItems(loaded.answering.context, model, { device, round: NEWEST }, items);
      },
      stop: () => {
        // The answer to this call must leave first.
        setImmediate(() => {
          channel.close();
          meter.close();
          resolve();
        });
      },
    };
    expose(api);
  });
};
