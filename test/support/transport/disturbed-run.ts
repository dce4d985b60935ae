import type { RunEvent } from '../../../src/events/run-event.js';
import type { Run } from '../../../src/runs/trainer/run.js';
import { finish, type SmallOptions, start } from './small-run.js';

export type Kill = (event: RunEvent, run: Run, after: (millis: number, kill: () => void) => void) => void;

/** Runs to the end while `kill` ends host threads as it sees fit. */
export const disturb = async (kill: Kill, options: SmallOptions = {}) => {
  let run: Run | undefined;
  const later: NodeJS.Timeout[] = [];
  const watched = await start({
    ...options,
    onEvent: (event) => {
      if (run !== undefined) kill(event, run, (millis, action) => later.push(setTimeout(action, millis)));
    },
  });
  run = watched.run;
  try {
    return { ...watched, outcome: await watched.run.finished };
  } finally {
    for (const timer of later) clearTimeout(timer);
  }
};

export const count = (events: readonly RunEvent[], type: RunEvent['type']): number => events.filter((event) => event.type === type).length;

/** Long enough for a thread's death to be noticed while there is still work to do. */
export const LONG = { config: { epochs: 8 } };
let peaceful: ReturnType<typeof finish> | undefined;
export const undisturbedRun = (): ReturnType<typeof finish> => {
  peaceful ??= finish(LONG);
  return peaceful;
};
