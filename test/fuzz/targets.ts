import { checkpoints } from './checkpoints.js';
import { configs } from './configs.js';
import { frames } from './frames.js';
import { ratings } from './ratings.js';
import type { Targets } from './target.js';

export const TARGETS: Targets = { frames, checkpoints, configs, ratings };

/** Of a hundred inputs: the cheap ones most. */
export const SHARES: Readonly<Record<string, number>> = { frames: 88, checkpoints: 4, configs: 4, ratings: 4 };
