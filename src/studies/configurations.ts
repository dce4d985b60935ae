import type { z } from 'zod';
import { type configSchema, PRESETS } from '../simulation/config.js';
import type { PaperSet } from './published.js';

/**
 * The configurations behind every table and figure of `metafleet paper`: the one place to edit them. What is not named here is as the
 * defaults of `metafleet run` have it; flags of `metafleet paper` come on top of all of it.
 */
export type Settings = z.input<typeof configSchema>;

export type SetConfigurations = {
  /** MetaMF as tables 2 to 4, the groups, the data budget and figure 2 train it. */
  readonly table: Settings;
  /** What a variant of table 3 needs otherwise. */
  readonly variants: Readonly<Record<'si' | 'sm', Settings>>;
  /** Regimes of the bytes-to-accuracy study, by name, beside the authors'. */
  readonly federated: Readonly<Record<string, Settings>>;
};

/** The model by the paper's letter. */
const PAPER_MODEL = { userInit: 1, centring: 'none', itemOffset: 'none' } as const;

/**
 * Cohorts of 64 devices with all their ratings: one second moment for W_low and one for U, since a rare item's single rating would
 * otherwise be given an Adam step of full size; L2 between collapse and overfitting.
 */
const FEDERATED_64 = {
  cohort: 64,
  ratings: 'all',
  sampling: 'shuffled',
  epochs: 100,
  patience: 10,
  optimizer: { rate: 1e-3, rateDecay: 0.975, decay: 7e-4, decayOf: { low: 6e-4, U: 5e-4 }, tensorMoments: ['low', 'U'], clip: 5 },
  metamf: PAPER_MODEL,
} as const satisfies Settings;

/** Fewer and larger rounds. */
const FEDERATED_256 = {
  ...FEDERATED_64,
  cohort: 256,
  optimizer: { ...FEDERATED_64.optimizer, rate: 2e-3, decay: 1e-3, decayOf: {} },
} as const satisfies Settings;

const FEDERATED = { '64 devices, all ratings': FEDERATED_64, '256 devices, all ratings': FEDERATED_256 };

/** Where nobody has tuned anything: metafleet's defaults. */
const UNTUNED: SetConfigurations = { table: {}, variants: { si: {}, sm: {} }, federated: { 'default configuration': {} } };

const BY_SET: Readonly<Record<PaperSet, SetConfigurations>> = {
  'ml-1m': { table: FEDERATED_64, variants: { si: {}, sm: {} }, federated: FEDERATED },
  ciao: { table: {}, variants: { si: {}, sm: {} }, federated: { 'default configuration': {} } },
  // Not measured: the official train parts are not at hand. The settings are those of ml-1m, whose ratings a user are the nearest.
  douban: { table: FEDERATED_64, variants: { si: {}, sm: {} }, federated: FEDERATED },
  'hetrec-ml': { table: FEDERATED_64, variants: { si: {}, sm: {} }, federated: FEDERATED },
};

export const configurationsFor = (set: PaperSet | undefined): SetConfigurations => (set === undefined ? UNTUNED : BY_SET[set]);

/** Sets whose figures have not been measured with these configurations: pages say so. */
export const UNMEASURED: readonly PaperSet[] = ['douban', 'hetrec-ml'];

/** The regime of MetaMF's authors in federated words. */
export const AUTHORS: Settings = { ...PRESETS.paper, optimizer: { ...PRESETS.paper.optimizer, tensorMoments: [] } };
export const AUTHORS_EPOCHS = PRESETS.paper.epochs;
/** Ratings a round of it learns from. */
export const AUTHORS_BATCH = PRESETS.paper.cohort * PRESETS.paper.ratings;

/** Test MSEs whose price is asked for: milestones, the reproduction's and the paper's. */
export const TARGETS: Readonly<Partial<Record<PaperSet, readonly number[]>>> = {
  'ml-1m': [0.8, 0.782, 0.765, 0.76],
  ciao: [1.125, 1.043],
  douban: [0.549],
  'hetrec-ml': [0.578],
};

/** Table 4's scales: (d, [f, 1], [k, o]). d_u and s are not part of a scale and stay. */
export const SCALES: Readonly<Record<string, Settings>> = {
  '(8, [2, 1], [32, 128])': { metamf: { itemEmbedding: 8, units: 2, collaborative: 32, hidden: 128 } },
  '(16, [4, 1], [64, 256])': { metamf: { itemEmbedding: 16, units: 4, collaborative: 64, hidden: 256 } },
  '(32, [8, 1], [128, 512])': { metamf: { itemEmbedding: 32, units: 8, collaborative: 128, hidden: 512 } },
  '(64, [16, 1], [256, 1024])': { metamf: { itemEmbedding: 64, units: 16, collaborative: 256, hidden: 1024 } },
};

export const BUDGETS = [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1] as const;

/** `--quick` proves that a command works; its figures are no measurement. */
export const QUICK: Settings = { rounds: 40, patience: 0 };
