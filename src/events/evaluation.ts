import type { Millis, Seconds } from '../base/units.js';
import type { Traffic } from './traffic.js';

/**
 * Who is left out: devices grouped by activity, their number of training ratings. Each group is 5 % of the fleet: the least active,
 * those in the middle, the most active. Ties go in DeviceId order. The groups are those of Müllner et al., ECIR 2021.
 */
export const ACTIVITY_GROUPS = ['low', 'medium', 'high'] as const;
export type ActivityGroup = (typeof ACTIVITY_GROUPS)[number];

/** Values over `count` held-out ratings by the metric's name, in the configured order; null: nothing was measured. */
export type Score = { readonly count: number; readonly metrics: MetricValues };
export type MetricValues = Readonly<Record<string, number | null>>;

/** Of one group of devices: 5 % of the fleet each, with the fewest, middling and the most training ratings. */
export type GroupScore = { readonly group: ActivityGroup; readonly devices: number; readonly valid: Score; readonly test: Score };

export type EpochFinished = {
  readonly type: 'epoch';
  readonly epoch: number;
  readonly round: number;
  /** Mean loss over the epoch's rounds, weighted by ratings. */
  readonly trainLoss: number | null;
  readonly valid: Score;
  readonly test: Score;
  /** By activity, least active first; empty for a fleet too small to group (under 30 devices). */
  readonly groups: readonly GroupScore[];
  /** True where the validation part's stopping metric is the best so far. */
  readonly best: boolean;
  /** Virtual time of the measurement, which takes none itself; null where no fleet is configured. */
  readonly virtualTime: Seconds | null;
  /** Of the measurement itself. */
  readonly traffic: Traffic;
  readonly millis: Millis;
};
