import type { z } from 'zod';
import type { fedavgOptions } from '../../algorithms/fedavg/options.js';
import { metamfOptions } from '../../algorithms/metamf/options.js';
import { type Config, type ConfigInput, PRESETS } from '../../runs/config/config.js';
import type { PaperSet } from './published.js';

/**
 * The configurations behind every table and figure of `metafleet paper`: the one place to edit them. What is not named here is as the
 * defaults of `metafleet run` have it; flags of `metafleet paper` come on top of all of it.
 */
export type Settings = ConfigInput & {
  readonly metamf?: z.input<typeof metamfOptions>;
  readonly fedavg?: z.input<typeof fedavgOptions>;
};

export type SetConfigurations = {
  /** MetaMF as tables 2 to 4, the groups, the data budget and figure 2 train it. */
  readonly table: Settings;
  /** What a variant of table 3 needs otherwise. */
  readonly variants: Readonly<Record<'si' | 'sm', Settings>>;
  /** Regimes of the bytes-to-accuracy study, by name, without the authors'. */
  readonly federated: Readonly<Record<string, Settings>>;
};

/**
 * Cohorts of 64 devices with all their ratings, 95 rounds an epoch of ML-1M. W_low has one second moment: otherwise the single
 * rating of a rare item would give an Adam step of full size. Dropout replaces most of the weight decay. Found by validation error on ML-1M.
 */
const RECOMMENDED = {
  cohort: 64,
  ratings: 'all',
  sampling: 'shuffled',
  epochs: 20,
  patience: 4,
  optimizer: { rate: 2e-3, schedule: 'cosine', scheduleBy: 'round', decay: 1.2e-4, decayOf: { U: 0 }, tensorMoments: ['low'] },
  metamf: { userInit: 0.05, centring: 'device-mean', itemOffset: 'first-column', dropout: 0.2 },
} as const satisfies Settings;

/** Fewer and larger rounds. */
const RECOMMENDED_256 = {
  ...RECOMMENDED,
  cohort: 256,
  epochs: 30,
  optimizer: { ...RECOMMENDED.optimizer, rate: 4e-3 },
} as const satisfies Settings;

const FEDERATED = {
  '64 devices, all ratings': RECOMMENDED,
  '256 devices, all ratings': RECOMMENDED_256,
};

/** What a search of 14 trials found best for MetaMF-SI, and another of the same 14 for MetaMF-SM (docs/paper.md). */
const VARIANT = { optimizer: { rate: 2.61e-3, decay: 1.07e-4 }, metamf: { dropout: 0.1 } } as const satisfies Settings;

/** Ciao has 38 ratings a user where ML-1M has 166: fewer a round, weight decay the more, and few epochs before it overfits. */
const CIAO = {
  ...RECOMMENDED,
  epochs: 3,
  patience: 0,
  optimizer: { ...RECOMMENDED.optimizer, decay: 2.25e-4 },
} as const satisfies Settings;

/** MetaMF-SI on Ciao: its item embeddings are parameters of their own, each seen by few, and take one second moment an element. */
const CIAO_SI = { epochs: 4, optimizer: { rate: 4.66e-3, decay: 1.65e-4, tensorMoments: [] } } as const satisfies Settings;

/** Where nobody has tuned anything: metafleet's defaults. */
const UNTUNED: SetConfigurations = { table: {}, variants: { si: {}, sm: {} }, federated: { 'default configuration': {} } };

const BY_SET: Readonly<Record<PaperSet, SetConfigurations>> = {
  'ml-1m': { table: RECOMMENDED, variants: { si: VARIANT, sm: VARIANT }, federated: FEDERATED },
  ciao: { table: CIAO, variants: { si: CIAO_SI, sm: {} }, federated: { '64 devices, all ratings': CIAO } },
  // Not measured: the official train parts are not at hand. The settings are those of ml-1m, whose ratings a user are the nearest.
  douban: { table: RECOMMENDED, variants: { si: VARIANT, sm: VARIANT }, federated: FEDERATED },
  'hetrec-ml': { table: RECOMMENDED, variants: { si: VARIANT, sm: VARIANT }, federated: FEDERATED },
};

export const configurationsFor = (set: PaperSet | undefined): SetConfigurations => (set === undefined ? UNTUNED : BY_SET[set]);

/** Sets whose figures have not been measured with these configurations: pages say so. */
export const UNMEASURED: readonly PaperSet[] = ['douban', 'hetrec-ml'];

/** The regime of MetaMF's authors in federated words. */
export const AUTHORS: Settings = {
  ...PRESETS.paper,
  optimizer: { ...PRESETS.paper.optimizer, tensorMoments: [] },
};
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

/** What a configuration adds to the paper's model: tables say so. */
export const additionsOf = (config: Config): readonly string[] => {
  if (config.algorithm !== 'metamf') return [];
  const { centring, itemOffset, dropout } = metamfOptions.parse(config['metamf']);
  return [
    ...(centring === 'none' ? [] : ['private centring on the device']),
    ...(itemOffset === 'none' ? [] : ['a generated item offset']),
    ...(dropout === 0 ? [] : [`dropout of ${dropout}`]),
  ];
};
