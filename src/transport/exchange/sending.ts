import { sharedNow } from '../../base/clock.js';
import { createSpareBuffers } from '../../base/spare-buffers.js';
import { bytes, type Seconds } from '../../base/units.js';
import type { Recorder } from '../../coordinator/round/recorder.js';
import { encodeFrame } from '../../messages/frame.js';
import type { Message } from '../../messages/message.js';
import type { HostTable } from './host-table.js';
import type { OpenExchange } from './open-exchange.js';
import type { TrafficMeter } from './traffic.js';

/** The observers of messages on their way. */
export type Observers = { readonly meter: TrafficMeter; readonly recorder: Recorder };

/** Encodes messages, one frame for each host with any, into memory of earlier frames. */
export type Sending = {
  /** `at`: the virtual time at which each message leaves, if a fleet is simulated. */
  readonly send: (exchange: OpenExchange, messages: readonly Message[], at: readonly Seconds[] | undefined) => void;
  /** Takes the buffer of an answered frame, to write it again. */
  readonly keepSpare: (buffer: ArrayBuffer) => void;
};

/** Bytes of frames that are kept to be written again. A chunk takes 64 MiB at most. */
const MOST_SPARE = bytes(128 * 2 ** 20);
/** Rounds differ in size. A frame may be written into a buffer of twice its length. */
const SLACK = 2;

/** Messages to one host, and the virtual time at which each leaves. */
type Batch = { readonly messages: Message[]; readonly at: Seconds[] };

export const createSending = (table: HostTable, hostCount: number, { meter, recorder }: Observers): Sending => {
  const spares = createSpareBuffers(MOST_SPARE, SLACK);

  const send: Sending['send'] = (exchange, messages, at) => {
    const batches = Array.from({ length: hostCount }, (): Batch => ({ messages: [], at: [] }));
    messages.forEach((message, index) => {
      const batch = batches[table.hostOf(message.device)]!;
      batch.messages.push(message);
      if (at !== undefined) batch.at.push(at[index]!);
    });
    batches.forEach((batch, host) => {
      if (batch.messages.length === 0) return;
      const { frame, length, sizes } = encodeFrame(batch.messages, spares.take);
      batch.messages.forEach((message, index) => {
        meter.count(message, sizes[index]!, 'down');
        recorder.message(message, bytes(sizes[index]!), 'down');
      });
      exchange.owed.owe(host, batch.messages, length);
      const times = at === undefined ? undefined : batch.at;
      table.channelOf(host).send({ exchange: exchange.id, frame, length, sent: sharedNow(), at: times });
    });
  };

  return { send, keepSpare: spares.keep };
};
