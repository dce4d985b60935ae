import type { MessagePort } from 'node:worker_threads';
import { badInput, isMetafleetError, MetafleetError, messageOf } from '../../base/errors.js';
import { createSpareBuffers } from '../../base/spare-buffers.js';
import { bytes, type DeviceId, type Millis, millis, type Seconds } from '../../base/units.js';
import type { Answers, Devices, Exchange, HostsReport, Rejection } from '../../coordinator/round/devices.js';
import type { Recorder } from '../../coordinator/round/recorder.js';
import type { ThreadUse } from '../../events/round.js';
import type { Direction } from '../../events/traffic.js';
import type { DeviceCost } from '../../messages/device-cost.js';
import { decodeRecords, encodeFrame } from '../../messages/frame.js';
import type { Message } from '../../messages/message.js';
import { createThreadMeter, sharedNow } from '../threads/thread-meter.js';
import { arrivedOn } from './arrived.js';
import type { FrameDown, FrameUp, HostFailure, StoreUsage } from './envelope.js';
import { createTrafficMeter } from './traffic.js';

/**
 * The coordinator's port to the devices over message ports, one to each host thread. Frames are transferred, not copied.
 * Hosts own contiguous ranges of devices.
 */
export type DevicesLink = Devices & {
  /** A host is there, for the first time or again. */
  attach(host: number, firstDevice: number, port: MessagePort): void;
  /** A host died: the open exchange ends, and the next waits until the host is attached again. */
  lost(host: number, reason: string): void;
  /** A host cannot be brought back: every exchange fails from now on. */
  fail(error: Error): void;
};

type Host = { readonly firstDevice: number; readonly port: MessagePort };

/** What was sent to a host in one frame, which it answers with one: the rounds of the devices that owe an answer, the frame's bytes. */
type Batch = { readonly owing: Map<DeviceId, number>; readonly length: number };

/**
 * Bytes in unanswered frames from which a host that has one frame waiting behind the one it is at work on is given no more until it has
 * answered: what is in memory for a host is at most this and one chunk, or two chunks, however large the cohort. Few bytes, so that
 * frames that are under way stay in the processor's cache, and below the 32 MiB of young buffers from which V8 collects at each allocation.
 */
const MOST_UNANSWERED = bytes(4 * 2 ** 20);

/** Bytes of frames that are kept to be written again: a chunk takes 64 MiB at most. */
const MOST_SPARE = bytes(128 * 2 ** 20);
/** Rounds differ in size: a frame may be written into one of twice its length. */
const SLACK = 2;

type Collected = { messages: Message[]; rejected: Rejection[]; duplicates: number; costs: DeviceCost[] };

type OpenExchange = {
  readonly id: number;
  /** By host, oldest first: frames that were not answered yet. */
  readonly outstanding: readonly Batch[][];
  collected: Collected;
  failure: Error | undefined;
  /** Told when a frame is answered, or the exchange has failed. */
  sending: (() => void) | undefined;
  waiting: { readonly resolve: (answers: Answers) => void; readonly reject: (error: Error) => void } | undefined;
};

const nothing = (): Collected => ({ messages: [], rejected: [], duplicates: 0, costs: [] });

const NO_USE: ThreadUse = { lagMillis: millis(0), gcMillis: millis(0), heapBytes: bytes(0) };
const NO_USAGE: StoreUsage = { models: 0, bytes: bytes(0), evicted: 0, delivered: 0 };

/** The longest delay of any host, and the sums of the rest. */
const togetherOf = (uses: readonly ThreadUse[]): ThreadUse => ({
  lagMillis: millis(Math.max(...uses.map(({ lagMillis }) => lagMillis))),
  gcMillis: millis(uses.reduce((sum, { gcMillis }) => sum + gcMillis, 0)),
  heapBytes: bytes(uses.reduce((sum, { heapBytes }) => sum + heapBytes, 0)),
});

export const createDevicesLink = (hostCount: number, recorder: Recorder, mostUnanswered = MOST_UNANSWERED): DevicesLink => {
  const hosts: (Host | undefined)[] = Array.from({ length: hostCount }, () => undefined);
  const usage: StoreUsage[] = hosts.map(() => NO_USAGE);
  const meter = createTrafficMeter();
  const self = createThreadMeter();
  const hostUse = hosts.map((): ThreadUse => NO_USE);
  let queueMillis: Record<Direction, Millis[]> = { down: [], up: [] };
  let deviceMillis: Millis[] = [];
  let evicted = 0;
  let activated = 0;
  let current: OpenExchange | undefined;
  let exchanges = 0;
  let broken: Error | undefined;
  let wake: (() => void)[] = [];
  const spares = createSpareBuffers(MOST_SPARE, SLACK);

  const everyoneThere = async (): Promise<void> => {
    while (broken === undefined && hosts.includes(undefined)) await new Promise<void>((resolve) => wake.push(resolve));
    if (broken !== undefined) throw broken;
  };
  const wakeAll = (): void => {
    for (const resolve of wake) resolve();
    wake = [];
  };

  const hasRoom = ({ outstanding }: OpenExchange): boolean =>
    outstanding.every((batches) => batches.length < 2 || batches.reduce((sum, { length }) => sum + length, 0) < mostUnanswered);
  /** Answers to frames of this exchange are decoded while other threads generate what is to be sent next. */
  const takeArrived = (): void => {
    hosts.forEach((there, host) => {
      if (there === undefined) return;
      for (const message of arrivedOn<FrameUp | HostFailure>(there.port)) onMessage(host, message);
    });
  };
  const ready = async (exchange: OpenExchange): Promise<void> => {
    takeArrived();
    while (exchange.failure === undefined && !hasRoom(exchange)) {
      await new Promise<void>((resolve) => {
        exchange.sending = resolve;
      });
    }
    if (exchange.failure !== undefined) throw exchange.failure;
  };
  const concludeIfAnswered = (exchange: OpenExchange): void => {
    const { waiting, failure, outstanding } = exchange;
    exchange.sending?.();
    if (waiting === undefined || (failure === undefined && outstanding.some((batches) => batches.length > 0))) return;
    exchange.waiting = undefined;
    const { collected } = exchange;
    exchange.collected = nothing();
    // Hosts are threads that finish in any order: whatever follows must not see it.
    for (const list of [collected.messages, collected.rejected, collected.costs]) list.sort((a, b) => a.device - b.device);
    if (failure === undefined) waiting.resolve(collected);
    else waiting.reject(failure);
  };
  const abort = (error: Error): void => {
    if (current === undefined) return;
    current.failure ??= error;
    concludeIfAnswered(current);
  };

  const hostOf = (device: DeviceId): number => {
    let host = hostCount - 1;
    while (host > 0 && hosts[host]!.firstDevice > device) host -= 1;
    return host;
  };

  /**
   * Sorts a host's answers: those of devices that owed one, and faults. A device that owes an answer and gave none is charged
   * with a fault of its frame, since nothing else in the frame can have been its answer.
   */
  const receive = (host: number, exchange: OpenExchange, { frame, length, costs, deviceMillis: times }: FrameUp): void => {
    const place = `frame from host ${host}`;
    const { records, sizes } = decodeRecords(frame, length, place);
    const answered = exchange.outstanding[host]!.shift();
    if (answered === undefined) throw badInput('MESSAGE', place, 'an answer to a frame', 'one that nobody waits for');
    const { owing } = answered;
    const { collected } = exchange;
    const faults: Omit<Rejection, 'device'>[] = [];
    records.forEach((record, index) => {
      if (record instanceof MetafleetError) {
        meter.count(null, sizes[index]!, 'up');
        faults.push({ cause: 'malformed', text: record.message });
        return;
      }
      meter.count(record, sizes[index]!, 'up');
      const { device } = record;
      const round = owing.get(device);
      if (round === undefined) {
        const { message } = badInput('MESSAGE', place, 'answers of devices that were asked', `one of device ${device}`);
        faults.push({ cause: 'identity', text: message });
      } else if (record.round !== round) {
        const { message } = badInput('MESSAGE', `${place}, device ${device}`, `round ${round}`, `round ${record.round}`);
        collected.rejected.push({ device, cause: 'round', text: message });
        owing.delete(device);
      } else {
        recorder.message(record, bytes(sizes[index]!), 'up', times[index]);
        collected.messages.push(record);
        owing.delete(device);
      }
    });
    for (const cost of costs) {
      collected.costs.push(cost);
      recorder.cost(cost);
      if (cost.lost !== null) owing.delete(cost.device);
    }
    for (const device of owing.keys()) {
      const fault = faults.shift() ?? { cause: 'malformed', text: `${place}: expected an answer of device ${device}, found none` };
      collected.rejected.push({ device, ...fault });
    }
    collected.duplicates += faults.length;
  };

  const onFailure = (host: number, { code, message }: HostFailure['failure']): void => {
    abort(code === null ? new Error(`host ${host}: ${message}`) : new MetafleetError(code, `host ${host}: ${message}`));
  };

  const countUse = (host: number, { store, deviceMillis: times, waited, thread }: FrameUp): void => {
    const { lagMillis, gcMillis } = hostUse[host]!;
    hostUse[host] = {
      lagMillis: millis(Math.max(lagMillis, thread.lagMillis)),
      gcMillis: millis(gcMillis + thread.gcMillis),
      heapBytes: thread.heapBytes,
    };
    queueMillis.down.push(waited);
    const before = usage[host]!;
    evicted += store.evicted - before.evicted;
    activated += store.delivered - before.delivered;
    usage[host] = store;
    deviceMillis.push(...times);
  };

  const onFrame = (host: number, exchange: OpenExchange, up: FrameUp): void => {
    queueMillis.up.push(millis(sharedNow() - up.sent));
    if (up.spent !== undefined) spares.keep(up.spent);
    try {
      receive(host, exchange, up);
      countUse(host, up);
      concludeIfAnswered(exchange);
    } catch (error) {
      abort(
        isMetafleetError(error) ? error : new MetafleetError('MESSAGE', `frame from host ${host}: ${messageOf(error)}`, { cause: error }),
      );
    }
  };

  const onMessage = (host: number, up: FrameUp | HostFailure): void => {
    // Answers to an exchange that has ended, by the death of another host, are late: nobody waits for them.
    if (current === undefined || up.exchange !== current.id || current.failure !== undefined) return;
    if ('failure' in up) onFailure(host, up.failure);
    else onFrame(host, current, up);
  };

  const send = (exchange: OpenExchange, messages: readonly Message[], at: readonly Seconds[] | undefined): void => {
    const byHost = hosts.map((): { batch: Message[]; at: Seconds[] } => ({ batch: [], at: [] }));
    messages.forEach((message, index) => {
      const to = byHost[hostOf(message.device)]!;
      to.batch.push(message);
      if (at !== undefined) to.at.push(at[index]!);
    });
    byHost.forEach(({ batch, at: times }, host) => {
      if (batch.length === 0) return;
      const { frame, length, sizes } = encodeFrame(batch, spares.take);
      batch.forEach((message, index) => {
        meter.count(message, sizes[index]!, 'down');
        recorder.message(message, bytes(sizes[index]!), 'down');
      });
      exchange.outstanding[host]!.push({ owing: new Map(batch.map(({ device, round }) => [device, round])), length });
      const down: FrameDown = { exchange: exchange.id, frame, length, sent: sharedNow(), ...(at === undefined ? {} : { at: times }) };
      hosts[host]!.port.postMessage(down, [frame]);
    });
  };

  return {
    attach: (host, firstDevice, port) => {
      hosts[host] = { firstDevice, port };
      usage[host] = NO_USAGE;
      port.on('message', (message: FrameUp | HostFailure) => onMessage(host, message));
      wakeAll();
    },
    lost: (host, reason) => {
      hosts[host]?.port.close();
      hosts[host] = undefined;
      abort(new MetafleetError('HOST_LOST', `host ${host} died: ${reason}`));
    },
    fail: (error) => {
      broken = error;
      abort(error);
      wakeAll();
    },
    open: async (): Promise<Exchange> => {
      await everyoneThere();
      const exchange: OpenExchange = {
        id: ++exchanges,
        outstanding: hosts.map(() => []),
        collected: nothing(),
        failure: undefined,
        sending: undefined,
        waiting: undefined,
      };
      current = exchange;
      return {
        ready: () => ready(exchange),
        send: (messages, at) => {
          if (exchange.failure === undefined) send(exchange, messages, at);
        },
        answers: () =>
          new Promise((resolve, reject) => {
            exchange.waiting = { resolve, reject };
            concludeIfAnswered(exchange);
          }),
      };
    },
    takeTraffic: () => meter.take(),
    takeReport: (verdicts): HostsReport => {
      const report: HostsReport = {
        queueMillis,
        threads: { coordinator: self.take(), host: togetherOf(hostUse) },
        deviceMillis,
        activated,
        evicted,
        residentModels: usage.reduce((sum, { models }) => sum + models, 0),
        residentBytes: bytes(usage.reduce((sum, { bytes: held }) => sum + held, 0)),
        ...recorder.take(verdicts),
      };
      queueMillis = { down: [], up: [] };
      hostUse.forEach(({ heapBytes }, host) => {
        hostUse[host] = { ...NO_USE, heapBytes };
      });
      deviceMillis = [];
      evicted = 0;
      activated = 0;
      return report;
    },
  };
};
