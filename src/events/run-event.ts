import type { Bytes, Millis, Seconds } from '../base/units.js';
import type { EpochFinished } from './evaluation.js';
import type { RoundFinished } from './round.js';

/**
 * What a run tells the world, as one stream. Progress, Prometheus, the results folder and reports observe it; the model
 * knows none of them. No event carries a rating. Only three things are per device: latencies without ids, the few updates that
 * `rejections` explains, and the flights of recorded devices.
 */
export type RunEvent =
  | RunStarted
  | RoundFinished
  | EpochFinished
  | HostLost
  | HostRestored
  | CoordinatorLost
  | CoordinatorRestored
  | CheckpointWritten
  | CheckpointFailed
  | CheckpointRefused
  | RunFinished;

export type RunStarted = {
  readonly type: 'run-started';
  readonly devices: number;
  readonly items: number;
  readonly parameters: number;
  readonly ratings: { readonly train: number; readonly valid: number; readonly test: number };
  readonly roundsPerEpoch: number;
  readonly epochs: number;
  /** Rounds the whole run will take, if nothing stops it early; where stages end it after a time, no more than a bound. */
  readonly rounds: number;
  /** What is measured on held-out ratings, in order, and which of it decides on the best epoch. */
  readonly metrics: readonly string[];
  readonly stopOn: string;
  /** The time after which stages end the run: the simulated fleet's, or this machine's. null: rounds end it. */
  readonly ends: { readonly unit: 'virtual' | 'wall'; readonly after: Seconds } | null;
  /** Rounds done before this process: 0 when fresh. */
  readonly round: number;
  /** The simulated devices by profile, and how their rounds are run; null where no fleet is configured. */
  readonly fleet: {
    readonly policy: string;
    readonly profiles: readonly { readonly name: string; readonly devices: number }[];
  } | null;
};

export type HostLost = { readonly type: 'host-lost'; readonly host: number; readonly reason: string };

export type HostRestored = { readonly type: 'host-restored'; readonly host: number; readonly devices: number };

/** Θ was lost with its thread; what follows the last checkpoint, or the start, is computed again. */
export type CoordinatorLost = { readonly type: 'coordinator-lost'; readonly round: number; readonly reason: string };

/** `round`: the last one that is not run again. */
export type CoordinatorRestored = { readonly type: 'coordinator-restored'; readonly round: number };

export type CheckpointWritten = {
  readonly type: 'checkpoint';
  readonly path: string;
  readonly round: number;
  readonly bytes: Bytes;
  /** From the round's end until the file was there; rounds went on meanwhile, but for `waited`. */
  readonly millis: Millis;
  /** How long a round had to wait before it could change Θ. */
  readonly waited: Millis;
};

/** The run goes on without; it is tried again later. `reason` says what to do. */
export type CheckpointFailed = {
  readonly type: 'checkpoint-failed';
  readonly path: string;
  readonly round: number;
  readonly reason: string;
};

/** A checkpoint to continue from is damaged; `instead`, of `round`, was taken. */
export type CheckpointRefused = {
  readonly type: 'checkpoint-refused';
  readonly path: string;
  readonly reason: string;
  readonly instead: string;
  readonly round: number;
};

export type RunFinished = {
  readonly type: 'run-finished';
  readonly reason: 'completed' | 'early-stopped' | 'budget-spent' | 'interrupted';
  readonly round: number;
  readonly epoch: number;
  /** SHA-256 of Θ, hex. */
  readonly digest: string;
  readonly millis: Millis;
};
