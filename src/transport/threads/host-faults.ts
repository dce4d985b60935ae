import type { Transition } from '../../device/actor/actor.js';
import { type Byzantine, withAttack } from '../../device/faults/byzantine.js';
import type { DeviceCost } from '../../messages/device-cost.js';
import type { Encoded } from '../../messages/frame.js';
import type { Message } from '../../messages/message.js';
import type { TensorSpec } from '../../messages/wire-tensor.js';
import { type Disturbance, disturb, withLosses } from './disturbance.js';

/** The faults between a device's honest answer and its arrival. */
export type HostPerturbations = {
  /** The first so many hosts wait so long before each frame of models. */
  readonly slowHosts: number;
  readonly slowMillis: number;
  readonly byzantine: Byzantine;
  readonly wire: Disturbance;
};

/** The encoded answers of a frame, and the cost of each device if a fleet is simulated. */
export type Answered = { readonly encoded: Encoded; readonly costs: readonly DeviceCost[] };

export type HostFaults = {
  /** Blocks the thread before a frame of models, on a slow host. */
  readonly delay: () => void;
  /** The answer that leaves the device in place of its honest one. */
  readonly attacked: (done: Transition) => Transition;
  /** The frame as it arrives, and the costs, which mark lost updates. */
  readonly sentOver: (replies: readonly Message[], answered: Answered) => Answered;
};

const standStill = (time: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, time);

const NO_FAULTS: HostFaults = { delay: () => {}, attacked: (done) => done, sentOver: (_, answered) => answered };

export const createHostFaults = (
  host: number,
  perturbations: HostPerturbations | undefined,
  tensors: readonly TensorSpec[],
): HostFaults => {
  if (perturbations === undefined) return NO_FAULTS;
  const { slowHosts, slowMillis, byzantine, wire } = perturbations;
  return {
    delay: () => {
      if (host < slowHosts) standStill(slowMillis);
    },
    attacked: (done) => (done.reply.kind === 'update' ? { ...done, reply: withAttack(done.reply, byzantine, tensors) } : done),
    sentOver: (replies, answered) => {
      const { encoded, lost } = disturb(replies, answered.encoded, wire);
      return { encoded, costs: withLosses(answered.costs, lost) };
    },
  };
};
