import { type Interval, wilson } from './intervals.js';

/** One line of the result: what an attack reached under a setting, against what knows nothing of the update. */
export type AttackRow = {
  readonly attack: 'items' | 'ratings' | 'membership';
  /** What was varied, as a phrase. */
  readonly setting: string;
  /** How the attacker guesses. */
  readonly method: string;
  readonly measure: 'precision' | 'recall' | 'exact' | 'auc';
  /** Guesses, records or pairs that were counted. */
  readonly trials: number;
  /** null: nothing was counted. */
  readonly success: number | null;
  readonly chance: number | null;
  readonly interval: Interval | null;
};

export type Counted = { readonly hits: number; readonly trials: number; readonly chance: number | null };

/** A proportion with its Wilson interval. */
export const proportion = (about: Pick<AttackRow, 'attack' | 'setting' | 'method' | 'measure'>, counted: Counted): AttackRow => {
  const { hits, trials, chance } = counted;
  return { ...about, trials, success: trials === 0 ? null : hits / trials, chance, interval: wilson(hits, trials) };
};
