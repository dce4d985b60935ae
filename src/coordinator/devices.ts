import type { Bytes, Millis } from '../base/units.js';
import type { Message } from '../messages/message.js';
import type { Flight, RoundFinished, Traffic } from './events.js';

/**
 * The coordinator's port to the devices: narrow, so that worker threads and networks can implement it alike. Implementations
 * encode, count what they encode, check that answers are well-formed and come from who was asked, and notice lost hosts.
 */
export type Devices = {
  /** Opens an exchange once every host is there. One at a time. */
  open(): Promise<Exchange>;
  /** What crossed since the last call. */
  takeTraffic(): Traffic;
  /** What hosts reported beside the messages since the last call. */
  takeReport(): HostsReport;
};

export type Exchange = {
  /** Encodes before it returns: tensors may be overwritten afterwards. Each message is for another device, or follows that device's answer. */
  send(messages: readonly Message[]): void;
  /**
   * Answers to everything sent so far and not yet returned, in DeviceId order. Rejects with HOST_LOST when a host died (the
   * exchange is over, nothing of it will be delivered later) and with MESSAGE when an answer is not valid.
   */
  answers(): Promise<readonly Message[]>;
};

export type HostsReport = Pick<RoundFinished, 'queueMillis' | 'threads'> & {
  readonly deviceMillis: readonly Millis[];
  /** Devices whose model was generated and delivered. */
  readonly activated: number;
  readonly evicted: number;
  readonly residentModels: number;
  readonly residentBytes: Bytes;
  /** What recorded devices did. */
  readonly flights: readonly Flight[];
};
