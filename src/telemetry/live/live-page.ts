import type { RunEvent } from '../../events/run-event.js';
import type { DeviceAnswer } from './frame.js';
import { createLiveRun, type LiveRunOptions, type RunName } from './live-run.js';
import { createStream, type Stream } from './stream.js';

/** The live page's half on the server: what the run's HTTP port shows beside metrics. */
export type LivePage = {
  readonly stream: Stream;
  observe(event: RunEvent): void;
  /** The run ends with an error. */
  fail(reason: string): void;
  device(id: number): Promise<DeviceAnswer>;
};

export type LivePageOptions = LiveRunOptions & {
  readonly run: RunName;
  /** The flights of a recorded device, oldest first. */
  readonly flights: (device: number) => Promise<DeviceAnswer['flights']>;
};

/** Cost of observing: sums of a round's counts and of its map; while somebody looks, a frame's encoding ten times a second, whatever the rounds. */
export const createLivePage = ({ run, recorded, flights, ...options }: LivePageOptions): LivePage => {
  const live = createLiveRun(run, { recorded, ...options });
  const stream = createStream(live);
  let known = new Set<number>();
  return {
    stream,
    observe: (event) => {
      if (event.type === 'run-started') known = new Set(recorded(event.devices));
      live.observe(event);
      stream.wake();
    },
    fail: (reason) => {
      live.fail(reason);
      stream.wake();
    },
    device: async (device) => ({ device, recorded: known.has(device), flights: known.has(device) ? await flights(device) : [] }),
  };
};
