import type { Bytes, Joules, Seconds } from '../base/units.js';
import type { DropStage, Resource } from '../messages/device-cost.js';
import type { RefusalCause } from '../messages/message.js';

/** Why the coordinator threw an update away. `norm`: beyond the bound; `stale`: of too old a model; `kind`: another message; `too-few`: the sum that it was
 * part of could not be unmasked. */
export const REJECTIONS = [
  'malformed',
  'kind',
  'identity',
  'round',
  'shape',
  'dtype',
  'rows',
  'sums',
  'not-finite',
  'norm',
  'stale',
  'too-few',
] as const;
export type RejectionCause = (typeof REJECTIONS)[number];

/**
 * The outcomes of the devices that a round asked, and of those still at work from rounds before (buffered rounds only):
 *
 *   assigned + carried = trained + refused + dropped + rejected + late + inFlight
 *
 * where refused, dropped and rejected are summed over their causes; a cause that did not occur is absent.
 */
export type Outcomes = {
  readonly assigned: number;
  /** In flight when the round began. */
  readonly carried: number;
  /** Updates that stepped Θ. */
  readonly trained: number;
  readonly refused: Readonly<Partial<Record<RefusalCause, number>>>;
  readonly dropped: Readonly<Partial<Record<DropStage, number>>>;
  readonly rejected: Readonly<Partial<Record<RejectionCause, number>>>;
  /** Updates that came after the round had ended. */
  readonly late: number;
  /** At work when the round ended. */
  readonly inFlight: number;
};

/** Upper bounds of the bins of a budget's histogram, as shares of the budget; the last bin takes the rest. */
export const BUDGET_BOUNDS = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1] as const;

/** What a round cost the devices of one profile. */
export type ProfileRound = {
  readonly name: string;
  readonly assigned: number;
  readonly trained: number;
  readonly refused: number;
  readonly dropped: number;
  readonly rejected: number;
  readonly late: number;
  readonly energy: Joules;
  readonly bytesDown: Bytes;
  readonly bytesUp: Bytes;
  readonly operations: number;
  /** By resource: how many of the devices asked in this round have used what share of it, in BUDGET_BOUNDS.length + 1 bins. */
  readonly budgets: Readonly<Record<Resource, readonly number[]>>;
};

/** A round in virtual time: what it would have been on real devices. */
export type VirtualRound = {
  readonly start: Seconds;
  readonly end: Seconds;
  /** From being asked to the answer's arrival, of each answer that arrived in this round. Order carries no meaning. */
  readonly latencies: readonly Seconds[];
  /** Sums of the same answers' time for receiving, computing and sending. */
  readonly down: Seconds;
  readonly compute: Seconds;
  readonly up: Seconds;
  readonly profiles: readonly ProfileRound[];
};
