import { describe, expect, it } from 'vitest';
import { judge, type Sample, slopeOf } from '../../scripts/soak/verdict.js';

/** An hour of samples, one each half minute, that saw as garbage collection does. */
const hour = (change: (minutes: number) => Partial<Sample> = () => ({})): Sample[] =>
  Array.from({ length: 120 }, (_, i) => {
    const minutes = i / 2;
    const rssBytes = 200e6 + (minutes < 5 ? -20e6 : 0) + (i % 7) * 1e6;
    return {
      minutes,
      rssBytes,
      anonymousBytes: rssBytes - 60e6,
      heapBytes: 30e6,
      files: 40 + (i % 2),
      handles: 9,
      listeners: 4,
      round: i,
      ...change(minutes),
    };
  });

describe('a soak', () => {
  it('passes at a steady state, however memory saws, and whatever it took to warm up', () => {
    const { rssShare, passed } = judge(hour(), 10);
    expect(Math.abs(rssShare)).toBeLessThan(0.002);
    expect(passed).toBe(true);
  });

  it('fails when memory grows by more than 1 % in 10 minutes', () => {
    const grown = (share: number) =>
      judge(
        hour((minutes) => ({ rssBytes: 200e6 * (1 + (share * minutes) / 10) })),
        10,
      );
    expect(grown(0.009).passed).toBe(true);
    expect(grown(0.012).passed).toBe(false);
  });

  it('fails when files, handles or listeners add up', () => {
    for (const key of ['files', 'handles', 'listeners'] as const) {
      const verdict = judge(
        hour((minutes) => ({ [key]: 40 + Math.floor(minutes / 5) })),
        10,
      );
      expect(verdict[key], key).toBeGreaterThan(2);
      expect(verdict.passed, key).toBe(false);
    }
  });

  it('says nothing of too few samples', () => {
    expect(() => judge(hour().slice(0, 25), 10)).toThrow('soak: expected at least 8 samples after 10 minutes, found 5');
  });

  it('has a slope that an outlier does not move', () => {
    expect(
      slopeOf([
        [0, 1],
        [1, 3],
        [2, 500],
        [3, 7],
        [4, 9],
      ]),
    ).toBe(2);
  });
});
