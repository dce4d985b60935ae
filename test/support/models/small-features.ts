import type { Feature } from '../../../src/data/features/feature.js';
import { ITEMS, USERS } from './small-model.js';

const multiHot = (name: string, vocabulary: readonly string[], rows: readonly (readonly number[])[]): Feature => {
  const values = new Uint32Array(new SharedArrayBuffer(4 * rows.flat().length));
  values.set(rows.flat());
  const offsets = new Uint32Array(new SharedArrayBuffer(4 * (rows.length + 1)));
  rows.forEach(({ length }, row) => {
    offsets[row + 1] = offsets[row]! + length;
  });
  return { name, kind: 'multi-hot', vocabulary, offsets, values };
};

/** An occupation and two numbers, of which user 0 has one, for each user; some genres for each item, none for item 0. */
export const smallFeatures = (): { readonly userFeatures: readonly Feature[]; readonly itemFeatures: readonly Feature[] } => {
  const numbers = new Float32Array(new SharedArrayBuffer(8 * USERS));
  for (let at = 0; at < numbers.length; at++) numbers[at] = at === 1 ? Number.NaN : ((at % 5) - 2) / 4;
  return {
    userFeatures: [
      multiHot(
        'occupation',
        ['painter', 'nurse', 'cook'],
        Array.from({ length: USERS }, (_, user) => [user % 3]),
      ),
      { name: 'numbers', kind: 'dense', width: 2, values: numbers },
    ],
    itemFeatures: [
      multiHot(
        'genres',
        ['drama', 'comedy', 'war', 'film noir'],
        Array.from({ length: ITEMS }, (_, item) => [0, 1, 2, 3].filter((word) => (item >> word) % 2 === 1)),
      ),
    ],
  };
};
