import type { Seconds } from '../base/units.js';
import type { DefinitionSetup } from '../definitions/kind.js';
import type { Dtype } from '../messages/tensor-form.js';
import type { PrivacySettings } from './privacy/ledger.js';
import { rateAt, type Schedule } from './schedule.js';
import type { SecureSettings } from './secure/settings.js';
import type { Stages } from './stages.js';

/** What a device downloads: `full`, all item rows (no message names those it needs); `subset`, those it asks for among decoys. */
export const DELIVERIES = ['full', 'subset'] as const;
export type Delivery = (typeof DELIVERIES)[number];

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

/** How rounds are run. Plain data: it crosses to the coordinator's thread. */
export type RoundSettings = {
  /** What the run's definitions are, for its checkpoints. */
  readonly identity: string;
  readonly seed: number;
  /** Devices per round. */
  readonly cohort: number;
  /** Which devices are asked (sampling/registry.ts), and what becomes of their updates (aggregation/registry.ts). */
  readonly sampler: DefinitionSetup;
  readonly aggregator: DefinitionSetup;
  /** Update steps, in order; absent: none. */
  readonly updates?: readonly DefinitionSetup[];
  /** null, or absent: no step adds noise. */
  readonly privacy?: PrivacySettings | null;
  /** null, or absent: updates travel one by one. */
  readonly secure?: SecureSettings | null;
  readonly roundsPerEpoch: number;
  /** Planned for the run. */
  readonly rounds: number;
  readonly delivery: Delivery;
  readonly evaluationDelivery: Delivery;
  /** Names of what is measured on held-out ratings: a metric set. */
  readonly metrics: readonly string[];
  readonly dtype: Dtype;
  readonly schedule: Schedule;
  /** How cohort and fleet change as the run goes on; an empty list: they do not. */
  readonly stages: Stages;
  readonly policy: PolicySettings;
  readonly defence: DefenceSettings;
  /** The simulated devices by profile; null: devices have no limits and take no virtual time. */
  readonly fleet: { readonly profiles: readonly { readonly name: string; readonly devices: number }[] } | null;
};

export const epochOf = (round: number, { roundsPerEpoch }: Pick<RoundSettings, 'roundsPerEpoch'>): number =>
  Math.ceil(round / roundsPerEpoch);

export const learningRateOf = (round: number, { schedule, roundsPerEpoch }: Pick<RoundSettings, 'schedule' | 'roundsPerEpoch'>): number =>
  rateAt(schedule, round, roundsPerEpoch);
