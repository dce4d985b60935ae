import type { Bytes, Millis } from '../base/units.js';
import type { ActivityGroup } from './activity-groups.js';

/**
 * What a run tells the world, as one stream. Progress, Prometheus, the results folder and reports observe it; the model
 * knows none of them. No event carries a rating, nor anything per device beyond latencies without ids.
 */
export type RunEvent = RunStarted | RoundFinished | EpochFinished | HostLost | HostRestored | CheckpointWritten | RunFinished;

export type Direction = 'down' | 'up';
/** Bytes and messages as encoded, by message kind and direction. */
export type Traffic = readonly { readonly kind: string; readonly direction: Direction; readonly messages: number; readonly bytes: Bytes }[];

export type RunStarted = {
  readonly type: 'run-started';
  readonly devices: number;
  readonly items: number;
  readonly parameters: number;
  readonly ratings: { readonly train: number; readonly valid: number; readonly test: number };
  readonly roundsPerEpoch: number;
  readonly epochs: number;
  /** Rounds the whole run will take, if nothing stops it early. */
  readonly rounds: number;
  /** Rounds done before this process: 0 when fresh. */
  readonly round: number;
};

export const PHASES = ['sample', 'generate', 'devices', 'backward', 'step'] as const;
export type Phase = (typeof PHASES)[number];

export type RoundFinished = {
  readonly type: 'round';
  /** Counted from 1 over the whole run. */
  readonly round: number;
  readonly epoch: number;
  readonly cohort: number;
  readonly ratings: number;
  /** Mean squared error over the cohort's batches, before the step (eq. 8). */
  readonly loss: number;
  /** Global norm of the mean gradient before clipping. */
  readonly gradientNorm: number;
  readonly clipped: boolean;
  readonly traffic: Traffic;
  readonly millis: Millis;
  readonly phases: Readonly<Record<Phase, Millis>>;
  /** Each device's local step: decode, forward, backward, encode. Order carries no meaning. */
  readonly deviceMillis: readonly Millis[];
  /** Models delivered to devices in this round, and models evicted by a host's budget. */
  readonly activated: number;
  readonly evicted: number;
  /** Generated models held by the hosts now, and their bytes. */
  readonly residentModels: number;
  readonly residentBytes: Bytes;
  readonly retries: number;
};

/** Mean absolute and squared error (eq. 11, 12) over `count` held-out ratings. */
export type Score = { readonly mae: number; readonly mse: number; readonly count: number };

/** Errors of one group of devices: 5 % of the fleet each, with the fewest, middling and the most training ratings. */
export type GroupScore = { readonly group: ActivityGroup; readonly devices: number; readonly valid: Score; readonly test: Score };

export type EpochFinished = {
  readonly type: 'epoch';
  readonly epoch: number;
  readonly round: number;
  /** Mean loss over the epoch's rounds, weighted by ratings. */
  readonly trainLoss: number;
  readonly valid: Score;
  readonly test: Score;
  /** By activity, least active first; empty for a fleet too small to group (under 30 devices). */
  readonly groups: readonly GroupScore[];
  /** True where this is the best validation MSE so far. */
  readonly best: boolean;
  /** Of the measurement itself. */
  readonly traffic: Traffic;
  readonly millis: Millis;
};

export type HostLost = { readonly type: 'host-lost'; readonly host: number; readonly reason: string };
export type HostRestored = { readonly type: 'host-restored'; readonly host: number; readonly devices: number };
export type CheckpointWritten = {
  readonly type: 'checkpoint';
  readonly path: string;
  readonly round: number;
  readonly bytes: Bytes;
  readonly millis: Millis;
};
export type RunFinished = {
  readonly type: 'run-finished';
  readonly reason: 'completed' | 'early-stopped' | 'interrupted';
  readonly round: number;
  readonly epoch: number;
  /** SHA-256 of Θ, hex. */
  readonly digest: string;
  readonly millis: Millis;
};
