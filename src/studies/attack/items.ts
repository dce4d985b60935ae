import type { TensorSpec } from '../../messages/wire-tensor.js';
import { type AttackRow, proportion } from './measure.js';
import { type Attacked, type Observation, rowEnergies } from './observation.js';

/** `named`: every row of the update. `changed`: the rows that are not zero, at most as many as the device has records in the round. */
export const ITEM_GUESSES = ['named', 'changed'] as const;
export type ItemGuess = (typeof ITEM_GUESSES)[number];

/**
 * Items that the user of an update has rated, as the attacker guesses, ascending. `most`: records of the round, as the configuration says them.
 * Rows of decoys are zero, unless noise is added to them. Then those with the largest norms are guessed.
 */
export const guessItems = (seen: Observation, up: readonly TensorSpec[], guess: ItemGuess, most: number): Uint32Array => {
  if (guess === 'named') return seen.rows;
  const energies = rowEnergies(seen, up);
  const changed = Array.from(seen.rows.keys()).filter((row) => energies[row]! > 0);
  const bound = Math.min(most, seen.said?.count ?? most);
  const kept = changed.length > bound ? changed.toSorted((a, b) => energies[b]! - energies[a]!).slice(0, bound) : changed;
  return Uint32Array.from(kept, (row) => seen.rows[row]!).sort();
};

type Tally = { guessed: number; right: number; found: number; sought: number; rated: number; byChance: number };

const count = (tally: Tally, { truth }: Attacked, guessed: Uint32Array, items: number): void => {
  const rated = new Set(truth.train.items);
  const batch = new Set(truth.batch.items);
  for (const item of guessed) {
    if (rated.has(item)) tally.right += 1;
    if (batch.has(item)) tally.found += 1;
  }
  tally.guessed += guessed.length;
  tally.sought += batch.size;
  tally.rated += (guessed.length * rated.size) / items;
  tally.byChance += (guessed.length * batch.size) / items;
};

/** How guesses of one kind are counted. `end` gives their precision among all rated items, and their recall of the items of the round. */
export const createItemTally = (about: { readonly setting: string; readonly guess: ItemGuess; readonly items: number }) => {
  const { setting, guess, items } = about;
  const tally: Tally = { guessed: 0, right: 0, found: 0, sought: 0, rated: 0, byChance: 0 };
  const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
  return {
    add: (attacked: Attacked, guessed: Uint32Array): void => count(tally, attacked, guessed, items),
    end: (): readonly AttackRow[] => {
      const method = guess === 'named' ? 'rows that are named' : 'rows that change';
      const { guessed, right, found, sought, rated, byChance } = tally;
      const row = { attack: 'items', setting, method } as const;
      return [
        proportion({ ...row, measure: 'precision' }, { hits: right, trials: guessed, chance: share(rated, guessed) }),
        proportion({ ...row, measure: 'recall' }, { hits: found, trials: sought, chance: share(byChance, sought) }),
      ];
    },
  };
};
