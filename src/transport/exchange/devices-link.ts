import { sharedNow } from '../../base/clock.js';
import { isMetafleetError, MetafleetError, messageOf } from '../../base/errors.js';
import { bytes, millis } from '../../base/units.js';
import type { Devices, Exchange, HostsReport } from '../../coordinator/round/devices.js';
import type { Recorder } from '../../coordinator/round/recorder.js';
import { decodeRecords } from '../../messages/frame.js';
import type { Message } from '../../messages/message.js';
import type { FrameUp, HostFailure } from './envelope.js';
import type { HostChannel } from './host-channel.js';
import { createHostReports } from './host-reports.js';
import { createHostTable } from './host-table.js';
import { createOpenExchange, type OpenExchange } from './open-exchange.js';
import { createOwedAnswers } from './owed-answers.js';
import { createSending, type Observers } from './sending.js';
import { createThreadMeter } from './thread-meter.js';
import { createTrafficMeter } from './traffic.js';

/** The coordinator's port to the devices over channels, one to each host. Hosts own contiguous ranges of devices. */
export type DevicesLink = Devices & {
  /** A host is there, for the first time or after a restart. */
  attach(host: number, firstDevice: number, channel: HostChannel): void;
  /** A host died: the open exchange ends, and the next waits until the host is attached again. */
  lost(host: number, reason: string): void;
  /** A host cannot be restarted: every exchange fails from now on. */
  fail(error: Error): void;
};

/**
 * A host works on one frame, and others wait behind it. From so many bytes of unanswered frames on, it gets no more until it has answered.
 * So the memory for a host is at most this and one chunk, or two chunks, for a cohort of any size.
 * The bytes are few: frames under way stay in the processor's cache.
 * They also stay below the 32 MiB of young buffers from which V8 collects at each allocation.
 */
const MOST_UNANSWERED = bytes(4 * 2 ** 20);

/** What a user's module did is the same on any host: its line says the device. */
const errorOf = (host: number, { code, message }: HostFailure['failure']): Error => {
  if (code === 'MODULE') return new MetafleetError(code, message);
  return code === null ? new Error(`host ${host}: ${message}`) : new MetafleetError(code, `host ${host}: ${message}`);
};

/** Decodes a host's frame, and settles the requests that it answers. Throws MESSAGE if it is no frame. */
const settleFrame = ({ meter, recorder }: Observers, { owed }: OpenExchange, host: number, up: FrameUp): void => {
  const { frame, length, costs, deviceMillis } = up;
  const place = `frame from host ${host}`;
  const { records, sizes } = decodeRecords(frame, length, place);
  const accepted = owed.settle(host, { records, costs }, place);
  records.forEach((record, index) => meter.count(record instanceof MetafleetError ? null : record, sizes[index]!, 'up'));
  for (const index of accepted) recorder.message(records[index] as Message, bytes(sizes[index]!), 'up', deviceMillis[index]);
  for (const cost of costs) recorder.cost(cost);
};

export const createDevicesLink = (hostCount: number, recorder: Recorder, mostUnanswered = MOST_UNANSWERED): DevicesLink => {
  const table = createHostTable(hostCount);
  const reports = createHostReports(hostCount);
  const observers = { meter: createTrafficMeter(), recorder };
  const self = createThreadMeter();
  const sending = createSending(table, hostCount, observers);
  let current: OpenExchange | undefined;
  let exchanges = 0;

  const onFrame = (exchange: OpenExchange, host: number, up: FrameUp): void => {
    const waited = millis(sharedNow() - up.sent);
    if (up.spent !== undefined) sending.keepSpare(up.spent);
    try {
      settleFrame(observers, exchange, host, up);
      reports.count(host, up, waited);
      exchange.progress();
    } catch (error) {
      const known = isMetafleetError(error);
      exchange.fail(known ? error : new MetafleetError('MESSAGE', `frame from host ${host}: ${messageOf(error)}`, { cause: error }));
    }
  };

  const onMessage = (host: number, up: FrameUp | HostFailure): void => {
    // These answers are late: the death of another host has ended their exchange, and nothing waits for them.
    if (current === undefined || up.exchange !== current.id || current.hasFailed()) return;
    if ('failure' in up) current.fail(errorOf(host, up.failure));
    else onFrame(current, host, up);
  };

  /** Answers to frames of this exchange are decoded while other threads generate the next chunk. */
  const takeArrived = (): void =>
    table.forEach((channel, host) => {
      for (const up of channel.arrived()) onMessage(host, up);
    });

  const lost = (host: number, reason: string): void => {
    table.detach(host);
    current?.fail(new MetafleetError('HOST_LOST', `host ${host} died: ${reason}`));
  };

  return {
    attach: (host, firstDevice, channel) => {
      reports.attached(host);
      channel.listen((up) => onMessage(host, up));
      // The supervisor may say so, too, before or after this.
      channel.onEnd(() => lost(host, 'its channel ended'));
      table.attach(host, firstDevice, channel);
    },
    lost,
    fail: (error) => {
      current?.fail(error);
      table.fail(error);
    },
    open: async (): Promise<Exchange> => {
      await table.complete();
      const exchange = createOpenExchange(++exchanges, createOwedAnswers(hostCount, mostUnanswered));
      current = exchange;
      return {
        ready: () => {
          takeArrived();
          return exchange.room();
        },
        send: (messages, at) => {
          if (!exchange.hasFailed()) sending.send(exchange, messages, at);
        },
        answers: exchange.answers,
      };
    },
    takeTraffic: observers.meter.take,
    takeReport: (verdicts): HostsReport => {
      const { host, ...report } = reports.take();
      return { ...report, threads: { coordinator: self.take(), host }, ...recorder.take(verdicts) };
    },
  };
};
