import type { ErrorCode } from '../../base/errors.js';
import type { Bytes, Millis, Seconds } from '../../base/units.js';
import type { ThreadUse } from '../../events/round.js';
import type { DeviceCost } from '../../messages/device-cost.js';

type Frame = {
  readonly exchange: number;
  readonly frame: ArrayBuffer;
  readonly length: number;
  /** When it was posted, on the clock all threads share. */
  readonly sent: Millis;
};

/**
 * What a port between the coordinator and a host carries: a frame of messages, and beside it what belongs to the simulation alone.
 * `at`: the virtual time each message leaves; absent where no fleet is simulated.
 */
export type FrameDown = Frame & { readonly at?: readonly Seconds[] | undefined };

/** One for each frame down, in order. */
export type FrameUp = Frame & {
  readonly deviceMillis: readonly Millis[];
  readonly store: StoreUsage;
  /** How long the frame it answers waited for the host's thread. */
  readonly waited: Millis;
  readonly thread: ThreadUse;
  /** A large frame that was answered, given back to be written again: memory that only a collection frees costs many of them. */
  readonly spent?: ArrayBuffer | undefined;
  /** Of each device asked, also of those that fell silent; empty where no fleet is simulated. */
  readonly costs: readonly DeviceCost[];
};

/** Bytes from which a frame is given back. */
export const LARGE_FRAME = 1 << 16;

/** The host could not make sense of a frame, or a device failed on it. */
export type HostFailure = { readonly exchange: number; readonly failure: { readonly code: ErrorCode | null; readonly message: string } };

export type StoreUsage = { readonly models: number; readonly bytes: Bytes; readonly evicted: number; readonly delivered: number };
