import type { ErrorCode } from '../../base/errors.js';
import type { Bytes, Millis, Seconds } from '../../base/units.js';
import type { ThreadUse } from '../../events/round.js';
import type { DeviceCost } from '../../messages/device-cost.js';

type Frame = {
  readonly exchange: number;
  readonly frame: ArrayBuffer;
  readonly length: number;
  /** When it was posted, on the clock that all threads share. */
  readonly sent: Millis;
};

/**
 * A port between the coordinator and a host carries frames of messages, and with them data of the simulation alone.
 * `at`: the virtual time at which each message leaves. Absent without a simulated fleet.
 */
export type FrameDown = Frame & { readonly at?: readonly Seconds[] | undefined };

/** One for each frame down, in their order. */
export type FrameUp = Frame & {
  readonly deviceMillis: readonly Millis[];
  readonly store: StoreUsage;
  /** How long the frame that it answers waited for the host's thread. */
  readonly waited: Millis;
  readonly thread: ThreadUse;
  /** A large frame that was answered. It comes back to be written again: if only collections freed such frames, there would be many. */
  readonly spent?: ArrayBuffer | undefined;
  /** Costs of each device asked, also of those that fell silent. Empty without a simulated fleet. */
  readonly costs: readonly DeviceCost[];
};

/** A frame of so many bytes comes back. */
export const LARGE_FRAME = 1 << 16;

/** The host could not read a frame, or a device failed on it. */
export type HostFailure = { readonly exchange: number; readonly failure: { readonly code: ErrorCode | null; readonly message: string } };

export type StoreUsage = { readonly models: number; readonly bytes: Bytes; readonly evicted: number; readonly delivered: number };
