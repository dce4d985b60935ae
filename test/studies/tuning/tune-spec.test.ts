import { describe, expect, it } from 'vitest';
import { candidatesOf, configOfCandidate, parseSpaceFlag, parseSpec } from '../../../src/studies/tuning/tune-spec.js';
import { smallConfig } from '../../support/transport/small-run.js';

const SPACE = {
  'optimizer.rate': { from: 1e-4, to: 1e-2, scale: 'log' },
  'metamf.units': { from: 2, to: 5, whole: true },
  sampling: ['shuffled', 'activity'],
};

const spec = (over: object = {}) => parseSpec({ space: SPACE, trials: 40, ...over }, 'spec.yaml');

describe('candidates of a search', () => {
  it('are drawn from their ranges and lists, the same for the same seed, each by its own number', () => {
    const candidates = candidatesOf(spec());
    expect(candidates).toEqual(candidatesOf(spec()));
    expect(candidatesOf(spec({ trials: 3 }))).toEqual(candidates.slice(0, 3));
    expect(candidatesOf(spec({ seed: 2 }))).not.toEqual(candidates);
    const rates = candidates.map((each) => each['optimizer.rate'] as number);
    expect(Math.min(...rates)).toBeGreaterThanOrEqual(1e-4);
    expect(Math.max(...rates)).toBeLessThanOrEqual(1e-2);
    // Uniform on a log axis: about half of them below the geometric mean.
    expect(Math.abs(rates.filter((rate) => rate < 1e-3).length - 20)).toBeLessThan(12);
    expect(new Set(candidates.map((each) => each['metamf.units']))).toEqual(new Set([2, 3, 4, 5]));
    expect(new Set(candidates.map((each) => each['sampling']))).toEqual(new Set(['shuffled', 'activity']));
  });

  it('are every combination of the lists in a grid, and none twice', () => {
    const grid = spec({ search: 'grid', space: { cohort: [4, 8], sampling: ['shuffled', 'uniform', 'activity'] }, trials: 1 });
    expect(candidatesOf(grid)).toHaveLength(6);
    expect(candidatesOf(grid)[1]).toEqual({ cohort: 4, sampling: 'uniform' });
    expect(candidatesOf(spec({ space: { cohort: [4] }, trials: 9 }))).toEqual([{ cohort: 4 }]);
  });

  it('change the configuration at their keys, into maps, too, and nothing else', () => {
    const base = smallConfig({ optimizer: { decayOf: { U: 0.1 } } });
    const config = configOfCandidate(base, { 'optimizer.rate': 0.5, 'optimizer.decayOf.low': 0.2 });
    expect(config).toEqual({ ...base, optimizer: { ...base.optimizer, rate: 0.5, decayOf: { U: 0.1, low: 0.2 } } });
    expect(() => configOfCandidate(base, { 'optimizer.rat': 1 })).toThrow(/key space.optimizer.rat: expected a known key/);
    expect(() => configOfCandidate(base, { cohort: 0.5 })).toThrow('key space.cohort: expected a whole number');
  });
});

describe('what says what to search', () => {
  it('is read from flags as from a file', () => {
    expect(parseSpaceFlag('optimizer.rate=1e-4..1e-2:log')).toEqual(['optimizer.rate', { from: 1e-4, to: 1e-2, scale: 'log' }]);
    expect(parseSpaceFlag('metamf.userInit=0..1')).toEqual(['metamf.userInit', { from: 0, to: 1 }]);
    expect(parseSpaceFlag('ratings=1,8,all')).toEqual(['ratings', [1, 8, 'all']]);
    expect(() => parseSpaceFlag('rate')).toThrow('flag --space: expected key=a,b,c or key=from..to[:log], found rate');
  });

  it.each([
    [{}, 'spec.yaml, key space: '],
    [{ space: {} }, 'spec.yaml, key space: at least one key to search'],
    [{ space: SPACE, tials: 3 }, 'tials'],
    [{ space: { cohort: { from: 3, to: 2 } } }, 'spec.yaml, key space.cohort: from must be below to'],
    [{ space: { cohort: 3 } }, 'spec.yaml, key space.cohort: expected a list of values or a range { from, to }'],
    [{ space: { cohort: { from: 0, to: 2, scale: 'log' } } }, 'a log range must begin above 0'],
    [{ space: SPACE, search: 'grid' }, 'spec.yaml, key space.optimizer.rate: expected a list of values, as a grid needs, found a range'],
    [{ space: SPACE, least: 9, most: 3 }, 'spec.yaml, key least: expected at most the 3 epochs of `most`, found 9'],
  ])('is refused in one line: %j', (value, complaint) => {
    expect(() => parseSpec(value, 'spec.yaml')).toThrow(complaint);
  });
});
