import type { Dtype } from '../messages/wire-tensor.js';
import type { Sampling } from './sampling.js';

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
  readonly learningRate: number;
  /** Factor on the learning rate, epoch by epoch. */
  readonly learningRateDecay: number;
};

export const epochOf = (round: number, { roundsPerEpoch }: Pick<RoundSettings, 'roundsPerEpoch'>): number =>
  Math.ceil(round / roundsPerEpoch);

/** The learning rate of a round: geometric decay by epochs. */
export const learningRateOf = (round: number, settings: RoundSettings): number =>
  settings.learningRate * settings.learningRateDecay ** (epochOf(round, settings) - 1);
