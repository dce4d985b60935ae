import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatError,
  formatMillis,
  formatPercent,
  formatRate,
  formatSpan,
  plural,
} from '../../src/report/format.js';

describe('formatting', () => {
  it('writes bytes in SI units with three digits, and never 1000 of a unit', () => {
    expect([0, 999, 1000, 999_499, 999_600, 1_234_567, 5.2e9].map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '1.00 kB',
      '999 kB',
      '1.00 MB',
      '1.23 MB',
      '5.20 GB',
    ]);
  });
  it('writes durations in the unit a reader would choose', () => {
    expect([0, 0.0123, 0.85, 12.3, 999.4, 999.6, 59_900, 125_000, 11_220_000, 187_200_000].map(formatMillis)).toEqual([
      '0 s',
      '12.3 us',
      '850 us',
      '12.3 ms',
      '999 ms',
      '1.00 s',
      '59.9 s',
      '2m 05s',
      '3h 07m',
      '2d 04h',
    ]);
    expect([400, 45_000, 59_600].map(formatSpan)).toEqual(['0s', '45s', '1m 00s']);
  });
  it('groups thousands whatever the locale', () => {
    expect([0, 999, 1000, 1_234_567].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567']);
    expect([plural(1, 'epoch'), plural(2000, 'epoch')]).toEqual(['1 epoch', '2,000 epochs']);
  });
  it('shows what is not a number as a dash', () => {
    for (const format of [formatBytes, formatMillis, formatSpan, formatCount, formatError, formatPercent, formatRate])
      expect(format(Number.NaN)).toBe('-');
  });
});
