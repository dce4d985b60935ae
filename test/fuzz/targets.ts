import { checkpoints } from './checkpoints.js';
import { configs } from './configs.js';
import { READERS } from './formats.js';
import { frames } from './frames.js';
import { ratings } from './ratings.js';
import type { Targets } from './target.js';

export const TARGETS: Targets = { frames, checkpoints, configs, ratings, ...READERS };

/** Of a hundred inputs: the cheap ones most. A damaged table can take ten seconds until it is given up. */
export const SHARES: Readonly<Record<string, number>> = {
  ...{ frames: 79, checkpoints: 4, configs: 4, ratings: 4 },
  ...Object.fromEntries(Object.keys(READERS).map((name) => [name, 1])),
  ...{ parquet: 0.1, arrow: 0.1 },
};
