import { describe, expect, it } from 'vitest';
import { random } from '../../../src/base/random.js';
import { sortByKey } from '../../../src/data/store/sort/radix.js';

/** JavaScript's own sort is stable. */
const naive = (keys: Float64Array): number[] => Array.from(keys.keys()).sort((a, b) => keys[a]! - keys[b]!);

describe('rows sorted by their keys', () => {
  const source = random(1, 'radix');
  for (const [kind, lowest, range] of [
    ['close together', 40, 7],
    ['of 11 bits', 0, 2047],
    ['of 12 bits', -5, 4095],
    ['of 32 bits', 1e9, 2 ** 32 - 1],
    ['of 33 bits', -3, 2 ** 32],
    ['far apart', -(10 ** 15), 2 * 10 ** 15],
  ] as const) {
    it(`keep their old order where keys are equal: keys ${kind}`, () => {
      const keys = Float64Array.from({ length: 3000 }, () => lowest + Math.round(source.uniform() * range));
      keys[0] = lowest + range;
      keys[1] = lowest;
      for (let at = 2; at < keys.length; at += 3) keys[at] = keys[at - 1]!;
      const { order, keys: sorted } = sortByKey(keys);
      expect([...order]).toEqual(naive(keys));
      expect([...sorted]).toEqual([...keys].sort((a, b) => a - b));
    });
  }

  it('may be none, one, or all alike', () => {
    for (const keys of [[], [7], [3, 3, 3]]) expect([...sortByKey(Float64Array.from(keys)).order]).toEqual([...keys.keys()]);
  });
});
