import { describe, expect, it } from 'vitest';
import { checkCompatible } from '../../../src/runs/config/compatible.js';
import { privacyOf } from '../../../src/runs/config/noise.js';
import { resolveConfig } from '../../../src/runs/config/parse-config.js';

const FEDAVG = { algorithm: 'fedavg', defence: { normMultiple: 0 } };
const configOf = (tree: Record<string, unknown>) => resolveConfig({ tree, place: (path) => path.join('.') });
const privacy = (tree: Record<string, unknown>) => privacyOf(configOf({ ...FEDAVG, ...tree }), 50);
const refused = (tree: Record<string, unknown>): string => {
  try {
    checkCompatible(configOf({ ...FEDAVG, ...tree }));
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing';
};

describe('what noise is worth', () => {
  const central = { updates: ['clip', 'central-noise'], 'central-noise': { sigma: 1.5 } };
  it('is amplified only by a sampler that earns it', () => {
    expect(privacy({ ...central, sampling: 'poisson' })).toMatchObject({ sampling: 'poisson', noise: 1.5, protects: 'shared parameters' });
    // The device that takes another's place moves the sum by twice the bound.
    expect(privacy({ ...central, sampling: 'uniform' })).toMatchObject({ sampling: 'fixed', noise: 0.75 });
    for (const sampling of ['shuffled', 'oort', 'available', 'activity', 'round-robin'])
      expect(privacy({ ...central, sampling })).toMatchObject({ sampling: 'none', noise: 1.5 });
  });

  it('on the device is not amplified, and does not protect the names of rows', () => {
    const local = { algorithm: 'metamf', updates: ['clip', 'noise'], noise: { sigma: 4 }, sampling: 'poisson' };
    expect(privacy(local)).toMatchObject({ sampling: 'none', noise: 2, protects: 'values of updates' });
    expect(privacy({ ...local, delivery: 'full', decoys: 50 })).toMatchObject({ protects: 'updates' });
  });

  it('is nothing that can be said without a clip', () => {
    expect(privacy({ updates: ['noise'] })).toMatchObject({ noise: null });
    expect(privacy({ updates: ['clip'] })).toBeNull();
    expect(privacy({})).toBeNull();
  });

  it('counts the noise of adaptive clipping with that of the sum', () => {
    const adaptive = { updates: ['adaptive-clip', 'central-noise'], 'central-noise': { sigma: 1 }, 'adaptive-clip': { deviation: 1 } };
    expect(privacy({ ...adaptive, sampling: 'poisson' })?.noise).toBeCloseTo((1 + 1 / 4) ** -0.5, 12);
  });
});

describe('noise that contradicts', () => {
  it.each<readonly [string, Record<string, unknown>, RegExp]>([
    [
      'at the coordinator, where the server needs each update',
      { algorithm: 'metamf', updates: ['clip', 'central-noise'] },
      /central-noise leaves a sum and metamf needs every update by itself/,
    ],
    ['without a bound', { updates: ['central-noise'] }, /key updates: expected clip or adaptive-clip before central-noise/],
    ['of another norm', { updates: ['clip', 'laplace'] }, /key clip.norm: expected l1, which laplace is scaled by, found l2/],
    ['twice', { updates: ['clip', 'noise', 'central-noise'] }, /expected one step that adds noise/],
    ['with a norm that others decide on', { updates: ['clip', 'central-noise'], defence: {} }, /key defence.normMultiple: expected 0/],
    ['with an aggregator that is no mean', { updates: ['clip', 'central-noise'], aggregation: 'median' }, /key aggregation: expected mean/],
    ['with rounding', { updates: ['clip', 'central-noise'], dtype: 'int8' }, /key dtype: expected f32/],
    ['with buffered rounds', { updates: ['clip', 'central-noise'], policy: { kind: 'buffered' } }, /key policy.kind/],
    ['on the device with marks in the clear', { updates: ['adaptive-clip', 'noise'] }, /no adaptive-clip with noise/],
  ])('is refused: %s', (_, tree, line) => {
    expect(refused(tree)).toMatch(line);
  });

  it('is not refused where it makes sense', () => {
    expect(refused({ updates: ['clip', 'central-noise'] })).toBe('nothing');
    expect(refused({ updates: ['adaptive-clip', 'central-noise'] })).toBe('nothing');
    expect(refused({ algorithm: 'metamf', updates: ['clip', 'noise'] })).toBe('nothing');
    expect(refused({ updates: ['clip', 'laplace'], clip: { norm: 'l1' } })).toBe('nothing');
  });
});
