import { expect } from 'vitest';

const largest = (values: ArrayLike<number>): number => Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/**
 * Every element within `tolerance` of the largest expected one. The error of a float32 sum goes with the size of what is
 * summed, not with what is left of it. All zeros are expected exactly.
 */
export const expectClose = (found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, label = ''): void => {
  expect(found.length, label).toBe(expected.length);
  const bound = tolerance * largest(expected);
  for (let at = 0; at < expected.length; at++) {
    // Negated, so that NaN fails; a matcher for each element would take longer than what is tested.
    if (!(Math.abs(found[at]! - expected[at]!) <= bound))
      expect.fail(`${label}: expected ${expected[at]} ± ${bound} at ${at}, found ${found[at]}`);
  }
};

/** The same for two sets of named tensors, names included. */
export const expectCloseTensors = (
  found: Readonly<Record<string, ArrayLike<number>>>,
  expected: Readonly<Record<string, ArrayLike<number>>>,
  tolerance: number,
  label = '',
): void => {
  expect(Object.keys(found).sort(), label).toEqual(Object.keys(expected).sort());
  for (const [name, values] of Object.entries(expected)) expectClose(found[name]!, values, tolerance, `${label} ${name}`);
};
