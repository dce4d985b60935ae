import type { Bytes, DeviceId, Millis, Seconds } from '../../base/units.js';
import type { RejectionCause } from '../../events/outcomes.js';
import type { RoundFinished } from '../../events/round.js';
import type { Traffic } from '../../events/traffic.js';
import type { DeviceCost } from '../../messages/device-cost.js';
import type { Message } from '../../messages/message.js';
import type { Verdict } from './recorder.js';

/**
 * The coordinator's port to the devices: narrow, so that worker threads and networks can implement it alike. Implementations
 * encode, count what they encode, check that answers are well-formed and come from who was asked, and notice lost hosts.
 */
export type Devices = {
  /** Opens an exchange once every host is there. One at a time. */
  open(): Promise<Exchange>;
  /** What crossed since the last call. */
  takeTraffic(): Traffic;
  /** What hosts reported since the last call, apart from messages; `verdicts`: what became of answers, for the record of their devices. */
  takeReport(verdicts?: readonly Verdict[]): HostsReport;
};

export type Exchange = {
  /**
   * Takes what has arrived, and resolves when every host has room for more: at once where there is room. So one slow host does not
   * bring all models of a cohort into memory at once. Rejects as `answers` does.
   */
  ready(): Promise<void>;
  /**
   * Encodes before it returns: tensors may be overwritten afterwards. Each message is for another device, or follows that device's
   * answer. `at`: the virtual time at which each leaves, where a fleet is simulated.
   */
  send(messages: readonly Message[], at?: readonly Seconds[]): void;
  /**
   * Answers to everything sent so far and not yet returned. Rejects with HOST_LOST when a host died: the exchange is over, and nothing
   * of it will be delivered later. Rejects with MESSAGE when a host sends what is no frame.
   */
  answers(): Promise<Answers>;
};

/** Every device that was asked has a message here, or a rejection, or a cost that says where it fell silent. */
export type Answers = {
  /** Well-formed, of who was asked, one each, in DeviceId order. */
  readonly messages: readonly Message[];
  readonly rejected: readonly Rejection[];
  /** Answers beyond the one that each device owed. */
  readonly duplicates: number;
  /** Empty where no fleet is simulated. */
  readonly costs: readonly DeviceCost[];
};

/** An answer that was thrown away, and why, in a sentence. */
export type Rejection = { readonly device: DeviceId; readonly cause: RejectionCause; readonly text: string };

export type HostsReport = Pick<RoundFinished, 'queueMillis' | 'threads' | 'flights' | 'map'> & {
  readonly deviceMillis: readonly Millis[];
  /** Devices whose model was generated and delivered. */
  readonly activated: number;
  readonly evicted: number;
  readonly residentModels: number;
  readonly residentBytes: Bytes;
};
