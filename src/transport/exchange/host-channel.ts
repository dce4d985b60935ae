import type { FrameDown, FrameUp, HostFailure } from './envelope.js';

/** The coordinator's way to one host. Frames arrive in the order in which they were sent, each once, or the host is lost. */
export type HostChannel = {
  /** The frame's buffer is the channel's from now on. */
  readonly send: (down: FrameDown) => void;
  /** What has arrived already, without waiting for this thread's loop to hand it over. */
  readonly arrived: () => Iterable<FrameUp | HostFailure>;
  /** What arrives from now on and is not taken by `arrived` goes to the one listener. */
  readonly listen: (listener: (up: FrameUp | HostFailure) => void) => void;
  readonly close: () => void;
};
