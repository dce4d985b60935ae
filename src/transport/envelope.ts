import type { ErrorCode } from '../base/errors.js';
import type { Bytes, Millis } from '../base/units.js';
import type { ThreadUse } from '../coordinator/events.js';

/** What a port between the coordinator and a host carries: a frame of messages, and beside it what belongs to the simulation alone. */
export type FrameDown = {
  readonly exchange: number;
  readonly frame: ArrayBuffer;
  readonly length: number;
  /** When it was posted, on the clock all threads share. */
  readonly sent: Millis;
};

export type FrameUp = FrameDown & {
  readonly deviceMillis: readonly Millis[];
  readonly store: StoreUsage;
  /** How long the frame it answers waited for the host's thread. */
  readonly waited: Millis;
  readonly thread: ThreadUse;
  /** A large frame that was answered, given back to be written again: memory that only a collection frees costs many of them. */
  readonly spent?: ArrayBuffer;
};

/** Bytes from which a frame is given back. */
export const LARGE_FRAME = 1 << 20;

/** The host could not make sense of a frame, or a device failed on it. */
export type HostFailure = { readonly exchange: number; readonly failure: { readonly code: ErrorCode | null; readonly message: string } };

export type StoreUsage = { readonly models: number; readonly bytes: Bytes; readonly evicted: number; readonly delivered: number };
