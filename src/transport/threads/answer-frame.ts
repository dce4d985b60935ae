import { badInput } from '../../base/errors.js';
import { bytes, type Millis, millis, type Seconds } from '../../base/units.js';
import { type DeviceContext, transition } from '../../device/actor/actor.js';
import { type Attempt, attempt, charge, type Simulation } from '../../device/hardware/simulate.js';
import { type Decoded, encodeFrame } from '../../messages/frame.js';
import type { Message } from '../../messages/message.js';
import type { Answered, HostFaults } from './host-faults.js';
import type { Keeping } from './keeping.js';

/** How the devices of a host answer the messages of one frame, each with one message or, in a simulated fleet, with silence. */
export type Answering = { readonly context: DeviceContext; readonly keeping: Keeping; readonly faults: HostFaults };

export type Arrived = {
  readonly decoded: Decoded;
  /** When decoding began, on this thread's clock, and its time for each message: both in ms. */
  readonly start: number;
  readonly share: number;
  /** Every message is a model to train. */
  readonly isTraining: boolean;
};

/** `deviceMillis`: the time of each device's training step. Empty for other frames. */
export type Worked = Answered & { readonly deviceMillis: readonly Millis[] };

export const answerFrame = ({ context, keeping, faults }: Answering, { decoded, share, isTraining }: Arrived): Worked => {
  const times: number[] = [];
  const replies = decoded.messages.map((message) => {
    const start = performance.now();
    const done = faults.attacked(transition(context, message));
    keeping.keep(context.columns, message, done);
    times.push(performance.now() - start + share);
    return done.reply;
  });
  const start = performance.now();
  const { encoded, costs } = faults.sentOver(replies, { encoded: encodeFrame(replies), costs: [] });
  const encoding = (performance.now() - start) / replies.length;
  return { encoded, costs, deviceMillis: isTraining ? times.map((time) => millis(time + encoding)) : [] };
};

/** Messages that a coordinator sends. */
const ASKED: ReadonlySet<Message['kind']> = new Set(['assign', 'model', 'advertise', 'share', 'unmask']);

/** Devices that take time, refuse and fall silent. `at`: the virtual time at which each message left. */
export const answerSimulated = (
  { context, keeping, faults }: Answering,
  simulation: Simulation,
  { decoded: { messages, sizes }, start, isTraining }: Arrived,
  at: readonly Seconds[],
): Worked => {
  const attempts = messages.map((message, index): Attempt => {
    if (!ASKED.has(message.kind)) throw badInput('MESSAGE', `device ${message.device}`, 'assign or model', message.kind);
    const attempted = attempt(context, simulation, message as Attempt['message'], at[index]!, bytes(sizes[index]!));
    if (attempted.done === null) return attempted;
    keeping.keep(context.columns, message, attempted.done);
    return { ...attempted, done: faults.attacked(attempted.done) };
  });
  const arriving = attempts.filter(({ done, lost }) => done !== null && lost === null);
  const replies = arriving.map(({ done }) => done!.reply);
  const encoded = encodeFrame(replies);
  const sizeOf = new Map(arriving.map(({ message }, index) => [message.device, bytes(encoded.sizes[index]!)]));
  const costs = attempts.map((attempted) => charge(context, simulation, attempted, sizeOf.get(attempted.message.device) ?? bytes(0)));
  const answered = faults.sentOver(replies, { encoded, costs });
  // The frame's time is spread evenly: a device that refuses or falls silent takes too little of it to matter.
  const mean = millis((performance.now() - start) / messages.length);
  return { ...answered, deviceMillis: isTraining ? messages.map(() => mean) : [] };
};
