import type { EpochFinished } from '../../events/evaluation.js';
import type { RoundFinished } from '../../events/round.js';
import type { RunEvent, RunStarted } from '../../events/run-event.js';

/** The metrics of one subject, and their handlers of events. */
export type Subject = {
  readonly started?: (event: RunStarted) => void;
  readonly round?: (event: RoundFinished) => void;
  readonly epoch?: (event: EpochFinished) => void;
  /** Every other event. */
  readonly other?: (event: Exclude<RunEvent, RunStarted | RoundFinished | EpochFinished>) => void;
};

/** 0.1 ms … 100 s: the time of a round and its parts. */
export const DURATION_BOUNDS = [1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100];
