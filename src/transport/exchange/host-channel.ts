import type { FrameDown, FrameUp, HostFailure } from './envelope.js';

/** The coordinator's channel to one host. Frames arrive in the order in which they were sent, each once. Else the host is lost. */
export type HostChannel = {
  /** The frame's buffer belongs to the channel from now on. */
  readonly send: (down: FrameDown) => void;
  /** The answers that have arrived already, without waiting for this thread's loop. */
  readonly arrived: () => Iterable<FrameUp | HostFailure>;
  /** Answers that arrive from now on, and that `arrived` does not take, go to the one listener. */
  readonly listen: (listener: (up: FrameUp | HostFailure) => void) => void;
  readonly close: () => void;
};
