import type { Seconds } from '../base/units.js';
import type { Dtype } from '../messages/wire-tensor.js';
import { rateAt, type Schedule } from './schedule.js';
import type { Stages } from './stages.js';

/** What a device downloads: `full`, all item rows (no message names those it needs); `subset`, those it asks for among decoys. */
export const DELIVERIES = ['full', 'subset'] as const;
export type Delivery = (typeof DELIVERIES)[number];

/** Which devices are asked: sampling.ts. */
export const SAMPLINGS = ['shuffled', 'uniform', 'activity', 'round-robin', 'available', 'oort'] as const;
export type Sampling = (typeof SAMPLINGS)[number];

/** When a round ends: policy.ts. */
export const POLICIES = ['wait-all', 'deadline', 'fastest', 'buffered'] as const;
export type PolicyKind = (typeof POLICIES)[number];

/** Weight of an update whose model is s steps old: 1/√(1 + s), or 1 (FedBuff, section 4 and appendix). */
export const WEIGHTINGS = ['inverse-sqrt', 'constant'] as const;

export type PolicySettings = {
  readonly kind: PolicyKind;
  /** Virtual seconds after which the coordinator stops waiting for a silent device. */
  readonly timeout: Seconds;
  readonly deadline: Seconds;
  readonly overSelection: number;
  readonly concurrency: number;
  readonly weighting: (typeof WEIGHTINGS)[number];
  /** Steps after which an update is too old to be used. */
  readonly maxStaleness: number;
};

/** What bounds an update that has passed every check of its form (accept.ts). 0: no bound. */
export type DefenceSettings = {
  /** Times the median of what honest updates have been. */
  readonly normMultiple: number;
  readonly mostNorm: number;
};

export type OortSettings = {
  /** α: how hard slowness is punished. */
  readonly penalty: number;
  /** ε in the first round, its factor from round to round, and its least value. */
  readonly exploration: number;
  readonly explorationDecay: number;
  readonly leastExploration: number;
  /** Share of the (1 − ε)·K-th best utility that a device must reach to be drawn. */
  readonly cutoff: number;
};

/** How rounds are run. Plain data: it crosses to the coordinator's thread. */
export type RoundSettings = {
  /** What the run's definitions are, for its checkpoints. */
  readonly identity: string;
  readonly seed: number;
  /** Devices per round. */
  readonly cohort: number;
  readonly sampling: Sampling;
  readonly roundsPerEpoch: number;
  readonly delivery: Delivery;
  readonly evaluationDelivery: Delivery;
  /** Names of what is measured on held-out ratings: a metric set. */
  readonly metrics: readonly string[];
  readonly dtype: Dtype;
  readonly schedule: Schedule;
  /** How cohort and fleet change as the run goes on; an empty list: they do not. */
  readonly stages: Stages;
  readonly oort: OortSettings;
  readonly policy: PolicySettings;
  readonly defence: DefenceSettings;
  /** The simulated devices by profile; null: devices have no limits and take no virtual time. */
  readonly fleet: { readonly profiles: readonly { readonly name: string; readonly devices: number }[] } | null;
};

export const epochOf = (round: number, { roundsPerEpoch }: Pick<RoundSettings, 'roundsPerEpoch'>): number =>
  Math.ceil(round / roundsPerEpoch);

export const learningRateOf = (round: number, { schedule, roundsPerEpoch }: Pick<RoundSettings, 'schedule' | 'roundsPerEpoch'>): number =>
  rateAt(schedule, round, roundsPerEpoch);
