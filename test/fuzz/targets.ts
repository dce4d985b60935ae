import { checkpoints } from './checkpoints.js';
import { configs } from './configs.js';
import { frames } from './frames.js';
import { ratings } from './ratings.js';
import type { Target } from './target.js';

export const TARGETS: Readonly<Record<string, () => Promise<Target>>> = { frames, checkpoints, configs, ratings };

/** Of a hundred inputs: the cheap ones most. */
export const SHARES: Readonly<Record<string, number>> = { frames: 88, checkpoints: 4, configs: 4, ratings: 4 };

/** What a thread is given: inputs first … first + count − 1 of a target, each a function of (seed, target, index). */
export type Share = {
  readonly target: string;
  readonly seed: number;
  readonly first: number;
  readonly count: number;
  readonly progress: Int32Array<SharedArrayBuffer>;
};

export type Finding = { readonly target: string; readonly index: number; readonly message: string; readonly input: Uint8Array };
