import type { MessagePort } from 'node:worker_threads';
import type { World } from '../../algorithms/port/algorithm.js';
import { type AlgorithmSetup, createAlgorithm } from '../../algorithms/registry.js';
import { badInput, isMetafleetError, messageOf } from '../../base/errors.js';
import { type Bytes, bytes, type DeviceId, type Millis, millis, type Seconds } from '../../base/units.js';
import { type DeviceContext, type Transition, transition } from '../../device/actor/actor.js';
import type { BatchOptions } from '../../device/actor/batch.js';
import { activityOf, indexOf, type PrivateColumns, ratingsOf } from '../../device/actor/columns.js';
import { createMeasure, type MeasureOptions } from '../../device/actor/measure.js';
import { createModelStore } from '../../device/actor/model-store.js';
import { keepState, stateBefore } from '../../device/actor/private-state.js';
import { type Byzantine, withAttack } from '../../device/faults/byzantine.js';
import type { FleetSetup } from '../../device/hardware/profile.js';
import { type Attempt, attempt, charge, type Simulation } from '../../device/hardware/simulate.js';
import type { DeviceCost } from '../../messages/device-cost.js';
import { type Decoded, decodeFrame, type Encoded, encodeFrame } from '../../messages/frame.js';
import type { Message } from '../../messages/message.js';
import type { Dtype } from '../../messages/wire-tensor.js';
import { type FrameDown, type FrameUp, type HostFailure, LARGE_FRAME } from '../exchange/envelope.js';
import { expose } from './control.js';
import { type Disturbance, disturb, withLosses } from './disturbance.js';
import { createThreadMeter, sharedNow } from './thread-meter.js';

/** A device host: the thread side of a shard of devices. Holds their private columns and the models generated for them. */
export type HostSetup = {
  readonly algorithm: AlgorithmSetup;
  readonly world: World;
  readonly dtype: Dtype;
  readonly batch: BatchOptions;
  readonly measure: MeasureOptions;
  /** Budget for generated models on this host. */
  readonly modelBytes: Bytes;
  /** Absent: devices have no limits and take no virtual time. */
  readonly fleet?: FleetSetup;
  /** Absent: none, and nothing is spent on them. */
  readonly perturbations?: HostPerturbations;
};

/** What goes wrong between honest work and its arrival. */
export type HostPerturbations = {
  /** The first so many hosts stand still so long before each frame of models. */
  readonly slowHosts: number;
  readonly slowMillis: number;
  readonly byzantine: Byzantine;
  readonly wire: Disturbance;
};

export type HostTask = { readonly host: number; readonly setup: HostSetup; readonly control: MessagePort; readonly traffic: MessagePort };

/** What the main thread may ask a host. No answer holds a rating. */
export type HostControl = {
  /** Takes over the private ratings of a shard; returns how many training ratings each of its devices has. */
  load(columns: PrivateColumns): Uint32Array;
  inspect(): { readonly devices: number; readonly models: number; readonly bytes: Bytes };
  /** Predicted ratings of items by the model a device holds, or null where it holds none (or not of those items). */
  predict(device: DeviceId, items: Uint32Array): Float32Array | null;
  stop(): void;
};

type Answered = { readonly encoded: Encoded; readonly costs: readonly DeviceCost[] };

/** Later than any round: the newest version of a device's state. */
const NEWEST = Number.MAX_SAFE_INTEGER;

const standStill = (time: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, time);

/** Serves until told to stop. Piscina keeps the thread, and with it this state, for as long as the promise is pending. */
export const serveHost = ({ host, setup, control, traffic }: HostTask): Promise<void> => {
  const algorithm = createAlgorithm(setup.algorithm, setup.world);
  const store = createModelStore(setup.modelBytes);
  const meter = createThreadMeter();
  const measure = createMeasure(setup.measure);
  let context: DeviceContext | undefined;
  let delivered = 0;

  /** Keeps what a device has after a message: for her next round, and for whoever asks her model. */
  const keep = ({ columns }: DeviceContext, message: Message, { model, state }: Transition): void => {
    if (model !== undefined) {
      store.put(message.device, model);
      delivered += 1;
    }
    if (state !== undefined && columns.state !== undefined) {
      keepState(columns.state, indexOf(columns, message.device), message.round, state.before, state.after);
    }
  };

  /** What leaves the device in place of what she found. */
  const told = (done: Transition): Transition => {
    const { perturbations } = setup;
    if (perturbations === undefined || done.reply.kind !== 'update') return done;
    return { ...done, reply: withAttack(done.reply, perturbations.byzantine, algorithm.tensors) };
  };

  /** The frame as it arrives, and whose update did not. */
  const sentOver = (replies: readonly Message[], answered: Answered): Answered => {
    const { perturbations } = setup;
    if (perturbations === undefined) return answered;
    const { encoded, lost } = disturb(replies, answered.encoded, perturbations.wire);
    return { encoded, costs: withLosses(answered.costs, lost) };
  };

  /** Devices that take time, refuse and fall silent: their answers, and the cost of each. */
  const answerAsFleet = (loaded: DeviceContext, simulation: Simulation, { messages, sizes }: Decoded, at: readonly Seconds[]): Answered => {
    const attempts = messages.map((message, index): Attempt => {
      if (message.kind !== 'assign' && message.kind !== 'model')
        throw badInput('MESSAGE', `device ${message.device}`, 'assign or model', message.kind);
      const attempted = attempt(loaded, simulation, message, at[index]!, bytes(sizes[index]!));
      if (attempted.done === null) return attempted;
      keep(loaded, message, attempted.done);
      return { ...attempted, done: told(attempted.done) };
    });
    const arriving = attempts.filter(({ done, lost }) => done !== null && lost === null);
    const replies = arriving.map(({ done }) => done!.reply);
    const encoded = encodeFrame(replies);
    const sizeOf = new Map(arriving.map(({ message }, index) => [message.device, bytes(encoded.sizes[index]!)]));
    const costs = attempts.map((attempted) => charge(loaded, simulation, attempted, sizeOf.get(attempted.message.device) ?? bytes(0)));
    return sentOver(replies, { encoded, costs });
  };

  const answer = ({ exchange, frame, length, sent, at }: FrameDown): FrameUp => {
    const waited = millis(sharedNow() - sent);
    if (context === undefined) throw new Error('a frame came before the ratings were loaded');
    const loaded = context;
    const up = ({ frame: reply, length: size }: Encoded, deviceMillis: readonly Millis[], costs: readonly DeviceCost[]): FrameUp => {
      const spent = frame.byteLength < LARGE_FRAME ? {} : { spent: frame };
      const usage = { store: { ...store.usage(), delivered }, thread: meter.take() };
      return { exchange, frame: reply, length: size, sent: sharedNow(), waited, deviceMillis, costs, ...usage, ...spent };
    };
    let start = performance.now();
    const decoded = decodeFrame(frame, length, 'frame from the coordinator');
    const { messages } = decoded;
    const share = (performance.now() - start) / messages.length;
    const isTraining = messages.every(({ kind }) => kind === 'model');
    const { fleet, perturbations } = setup;
    if (perturbations !== undefined && isTraining && host < perturbations.slowHosts) standStill(perturbations.slowMillis);
    if (fleet !== undefined && at !== undefined && loaded.columns.budgets !== undefined) {
      const { encoded, costs } = answerAsFleet(loaded, { setup: fleet, budgets: loaded.columns.budgets }, decoded, at);
      // Who falls silent or refuses takes no time of the host's worth telling apart: the frame's time, spread evenly.
      const mean = millis((performance.now() - start) / messages.length + share);
      const deviceMillis = isTraining ? messages.map(() => mean) : [];
      return up(encoded, deviceMillis, costs);
    }
    const times: number[] = [];
    const replies = messages.map((message) => {
      start = performance.now();
      const done = told(transition(loaded, message));
      keep(loaded, message, done);
      times.push(performance.now() - start + share);
      return done.reply;
    });
    start = performance.now();
    const { encoded, costs } = sentOver(replies, { encoded: encodeFrame(replies), costs: [] });
    const encoding = (performance.now() - start) / replies.length;
    const deviceMillis: Millis[] = isTraining ? times.map((time) => millis(time + encoding)) : [];
    return up(encoded, deviceMillis, costs);
  };

  traffic.on('message', (down: FrameDown) => {
    try {
      const up = answer(down);
      traffic.postMessage(up, up.spent === undefined ? [up.frame] : [up.frame, up.spent]);
    } catch (error) {
      const failure = { code: isMetafleetError(error) ? error.code : null, message: messageOf(error) };
      traffic.postMessage({ exchange: down.exchange, failure } satisfies HostFailure);
    }
  });

  return new Promise((resolve) => {
    const api: HostControl = {
      load: (columns) => {
        const { dtype, batch } = setup;
        context = { half: algorithm.device, tensors: algorithm.tensors, columns, dtype, batch, measure, room: store.room };
        return activityOf(columns);
      },
      inspect: () => {
        const { models, bytes } = store.usage();
        return { devices: context?.columns.devices ?? 0, models, bytes };
      },
      predict: (device, items) => {
        const model = store.get(device);
        if (context === undefined || model === undefined) return null;
        const { rows } = model;
        if (rows !== null && items.some((item) => !rows.includes(item))) return null;
        const { columns, batch } = context;
        const state = stateBefore(columns.state, algorithm.device.privateState, indexOf(columns, device), device, NEWEST, batch.seed);
        return algorithm.device.predict(model, ratingsOf(columns, 'train', device), items, state);
      },
      stop: () => {
        // The answer to this very call still has to leave.
        setImmediate(() => {
          traffic.close();
          control.close();
          meter.close();
          resolve();
        });
      },
    };
    expose(api, control);
  });
};
