import type { Bytes, DeviceId, Millis, Seconds } from '../base/units.js';
import type { Resource } from '../messages/device-cost.js';

/** A step of a recorded device's round. */
export type FlightStep = {
  readonly step: 'sampled' | 'asked' | 'received' | 'trained' | 'uploaded' | 'refused' | 'dropped' | 'rejected' | 'late';
  /** Wall time since the round asked its first device. */
  readonly millis: Millis;
  /** Of the message, as encoded. */
  readonly bytes?: Bytes;
  /** Of the local step: decode, forward, backward, encode. */
  readonly took?: Millis;
  /** Why the device was refused, dropped or rejected. */
  readonly reason?: string;
  /** With the last own step of the device, where a fleet is configured: virtual seconds from being asked to its answer or silence. */
  readonly virtual?: Seconds;
  /** With the same: shares of its budgets that are left. */
  readonly left?: Readonly<Partial<Record<Resource, number>>>;
};

/** The steps of one recorded device in a round, in order. */
export type RecordedFlight = { readonly device: DeviceId; readonly steps: readonly FlightStep[] };
