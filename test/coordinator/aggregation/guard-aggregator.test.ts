import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { deviceId } from '../../../src/base/units.js';
import { SMALL_ITEMS, SMALL_UP, smallUpdates } from '../../../src/conformance/small-updates.js';
import type { Aggregator, Combined } from '../../../src/coordinator/aggregation/aggregator.js';
import { guardAggregator } from '../../../src/coordinator/aggregation/guard-aggregator.js';
import { mean } from '../../../src/coordinator/aggregation/mean.js';
import { createUpdateSums } from '../../../src/coordinator/aggregation/update-sums.js';

const UPDATES = smallUpdates(3, 1);
const [FIRST, SECOND, THIRD] = UPDATES;
const SUM = createUpdateSums(SMALL_UP, SMALL_ITEMS).of(UPDATES);

const guarded = (combine: Aggregator['combine'], leaves: 'updates' | 'sum'): Aggregator =>
  guardAggregator(
    { ...mean, traits: { leaves }, create: () => ({ combine }) },
    './mine.js',
    {},
    {
      wire: { down: SMALL_UP, up: SMALL_UP },
      items: SMALL_ITEMS,
    },
  );
const said = (combined: unknown, leaves: 'updates' | 'sum'): string => {
  try {
    guarded(() => combined as Combined, leaves).combine(UPDATES);
  } catch (error) {
    if (isMetafleetError(error, 'MODULE')) return error.message.replace('./mine.js, hook combine: expected ', '');
    throw error;
  }
  return 'nothing was thrown';
};
const leftUpdates = (...updates: readonly unknown[]): string => said({ kind: 'updates', updates }, 'updates');
const leftSum = (changes: object): string => said({ kind: 'sum', sum: { ...SUM, ...changes } }, 'sum');
const withNaN = SUM.tensors.map((values) => values.map(() => Number.NaN));

describe('an aggregator of a module', () => {
  it('is passed through where it leaves what it may', () => {
    expect([leftUpdates(FIRST, THIRD), leftUpdates(), leftSum({})]).toEqual(Array(3).fill('nothing was thrown'));
  });

  it('that leaves updates wrongly ends in one line', () => {
    expect(leftUpdates({ ...FIRST, device: deviceId(80) })).toBe('updates of devices that it was given, ascending, found 80');
    expect(leftUpdates(SECOND, FIRST)).toBe('updates of devices that it was given, ascending, found 1');
    expect(leftUpdates(FIRST, FIRST)).toBe('updates of devices that it was given, ascending, found 1');
    expect(leftUpdates({ ...FIRST, count: 0 })).toBe('count of device 1: a number above 0, found 0');
    expect(leftUpdates({ ...FIRST, rows: Uint32Array.of(SMALL_ITEMS) })).toBe('rows of device 1: rows that it sent, ascending, found 11');
    expect(leftUpdates({ ...FIRST, tensors: FIRST!.tensors.slice(1) })).toBe('3 tensors of device 1, found object');
    expect(leftUpdates({ ...FIRST, tensors: FIRST!.tensors.map((values) => values.slice(1)) })).toMatch(
      /^tensor rows of device 1: \d+ float32/,
    );
    expect(leftUpdates({ ...FIRST, tensors: FIRST!.tensors.map((values) => values.map(() => Number.NaN)) })).toBe(
      'tensor rows of device 1: finite numbers, found others',
    );
  });

  it('that leaves a sum wrongly ends in one line', () => {
    expect(leftSum({ weight: 0 })).toBe('sum.weight: a number above 0, found 0');
    expect(leftSum({ tensors: SUM.tensors.slice(1) })).toBe('3 tensors, found object');
    expect(leftSum({ tensors: withNaN })).toBe('tensor rows: finite numbers, found others');
    expect(leftSum({ rowWeights: new Float32Array(3) })).toBe('sum.rowWeights: 11 finite float32, found object');
  });

  it('that leaves another kind than its traits say, or throws, ends in one line', () => {
    expect(said({ kind: 'updates', updates: UPDATES }, 'sum')).toBe("{ kind: 'sum', … }, as traits.leaves says, found updates");
    expect(said(undefined, 'sum')).toBe("{ kind: 'sum', … }, as traits.leaves says, found undefined");
    const throwing = guarded(() => {
      throw new Error('no');
    }, 'sum');
    expect(() => throwing.combine(UPDATES)).toThrow('./mine.js, hook combine: it threw: no');
  });
});
