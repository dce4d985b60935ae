import type { DeviceId, Seconds } from '../../base/units.js';
import type { ClientTask } from '../round/client-task.js';

/** A round is counted from 1. */
export type Selection = {
  readonly round: number;
  readonly size: number;
  readonly busy: ReadonlySet<DeviceId>;
  readonly now: Seconds;
  /** The first so many devices take part; all, where absent. `uniform`, `activity` and `available` heed it. */
  readonly devices?: number;
};

export type Sampler = {
  /** Chooses `size` devices, or as many as there are; changes nothing. */
  choose(selection: Selection): readonly DeviceId[];
  /** Takes note of a finished round: who was asked, and who arrived. */
  learn(round: number, asked: readonly ClientTask[], arrived: readonly ClientTask[]): void;
  /** What it has learned: plain data, for the checkpoint; null where there is nothing. */
  state(): unknown;
  /** Throws for what it could not have learned. */
  restore(state: unknown): void;
};
