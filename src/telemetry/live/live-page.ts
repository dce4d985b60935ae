import type { RunEvent } from '../../events/run-event.js';
import type { DeviceAnswer } from './frame.js';
import { createLiveRun, type LiveRunOptions, type RunName } from './live-run.js';
import { createStream, type Stream } from './stream.js';

/** The server's half of the live page. The run's HTTP port serves it together with metrics. */
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

/** Cost: the sums of a round's counts and of its map. With a reader, also the encoding of ten frames a second, for any number of rounds. */
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
