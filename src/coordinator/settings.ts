import type { Dtype } from '../messages/wire-tensor.js';
import type { Sampling } from './sampling.js';
import { rateAt, type Schedule } from './schedule.js';

/** What a device downloads: `full`, all item rows (nothing leaks about which matter to her); `subset`, those she asks for among decoys. */
export const DELIVERIES = ['full', 'subset'] as const;
export type Delivery = (typeof DELIVERIES)[number];

/** How rounds are run. Plain data: it crosses to the coordinator's thread. */
export type RoundSettings = {
  readonly seed: number;
  /** Devices per round. */
  readonly cohort: number;
  readonly sampling: Sampling;
  readonly roundsPerEpoch: number;
  readonly delivery: Delivery;
  readonly evaluationDelivery: Delivery;
  readonly dtype: Dtype;
  readonly schedule: Schedule;
};

export const epochOf = (round: number, { roundsPerEpoch }: Pick<RoundSettings, 'roundsPerEpoch'>): number =>
  Math.ceil(round / roundsPerEpoch);

export const learningRateOf = (round: number, { schedule, roundsPerEpoch }: Pick<RoundSettings, 'schedule' | 'roundsPerEpoch'>): number =>
  rateAt(schedule, round, roundsPerEpoch);
