import type { FrameDown, FrameUp, HostFailure } from './envelope.js';

/** One end of a channel between the coordinator and a host. Frames arrive in the order in which they were sent, each once. Else the host is lost. */
export type Channel<Sent, Received> = {
  /** The frame's buffer belongs to the channel from now on. */
  readonly send: (message: Sent) => void;
  /** What has arrived already, without waiting for this thread's loop. */
  readonly arrived: () => Iterable<Received>;
  /** What arrives from now on, and what `arrived` does not take, goes to the one listener. */
  readonly listen: (listener: (message: Received) => void) => void;
  /** The other end is gone. The listener is called once, after what had been sent. This end's own `close` does not call it. */
  readonly onEnd: (listener: () => void) => void;
  /** Nothing is delivered afterwards, and what is sent is dropped. */
  readonly close: () => void;
};

/** The coordinator's end. */
export type HostChannel = Channel<FrameDown, FrameUp | HostFailure>;

/** The host's end. */
export type CoordinatorChannel = Channel<FrameUp | HostFailure, FrameDown>;
