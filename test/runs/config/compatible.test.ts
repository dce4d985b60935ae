import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { AGGREGATOR } from '../../../src/coordinator/aggregation/registry.js';
import { checkCompatible } from '../../../src/runs/config/compatible.js';
import { identityOf } from '../../../src/runs/config/definitions.js';
import { flagSource, refuseIdleSettings, resolveConfig } from '../../../src/runs/config/parse-config.js';

const configOf = (flags: Readonly<Record<string, string>>) => resolveConfig(flagSource(flags));
const said = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (isMetafleetError(error, 'CONFIG')) return error.message;
    throw error;
  }
  return 'nothing was thrown';
};
const refused = (flags: Readonly<Record<string, string>>): string => said(() => checkCompatible(configOf(flags)));

describe('definitions that contradict each other', () => {
  it('are refused: an aggregator that leaves a sum, where the server needs every update', () => {
    for (const { name, traits } of AGGREGATOR.builtIns) {
      expect(refused({ algorithm: 'metamf', aggregation: name })).toBe(
        traits.leaves === 'updates'
          ? 'nothing was thrown'
          : `key aggregation: expected one of mean, krum, multi-krum, norm-clip, as metamf needs every update by itself and ${name} leaves a sum, found ${name}`,
      );
      expect(refused({ algorithm: 'fedavg', aggregation: name })).toBe('nothing was thrown');
    }
  });

  it('are refused: a step twice', () => {
    expect(refused({ updates: 'clip,noise' })).toBe('nothing was thrown');
    expect(refused({ updates: '[noise, clip, noise]' })).toBe('key updates: expected each step once, found noise twice');
  });
});

describe('steps that make updates small', () => {
  const dp = { algorithm: 'fedavg', 'defence.normMultiple': '0' };
  const secure = { ...dp, delivery: 'full' };
  it.each<readonly [Readonly<Record<string, string>>, RegExp]>([
    [{ ...secure, updates: 'top-k,secure-sum' }, /no top-k with secure-sum, as every number takes 4 bytes under a mask/],
    [{ ...secure, updates: 'quantize,secure-sum' }, /no quantize with secure-sum, as every number takes 4 bytes/],
    [{ updates: 'quantize,clip' }, /quantize behind all other steps on the device, as they change what it has rounded, found clip$/],
    [{ updates: 'quantize,top-k' }, /quantize behind all other steps on the device.* found top-k$/],
    [{ updates: 'top-k,random-k' }, /one step that leaves numbers out, found top-k, random-k$/],
    [{ updates: 'clip,random-k,noise' }, /random-k behind noise, as noise on every number leaves none to leave out/],
    [{ ...dp, updates: 'clip,top-k,central-noise' }, /clip between top-k and central-noise, as what waited on a device lengthens updates/],
    [{ ...dp, updates: 'clip,central-noise,top-k' }, /clip between top-k and central-noise/],
    [{ ...dp, updates: 'clip,quantize,central-noise' }, /no quantize with central-noise, as rounding can lengthen what was clipped/],
    [
      { algorithm: 'fedavg', updates: 'top-k', aggregation: 'median' },
      /key aggregation: expected one that leaves updates, as top-k sends zero/,
    ],
  ])('are refused where they contradict others: %j', (flags, line) => {
    expect(refused(flags)).toMatch(line);
  });

  it.each([
    { updates: 'top-k,quantize' },
    { updates: 'clip,noise,top-k,quantize' },
    { updates: 'adaptive-clip,quantize', ...dp },
    { updates: 'random-k,clip,central-noise', ...dp },
    { updates: 'quantize', dtype: 'f16', aggregation: 'multi-krum' },
    { updates: 'quantize', algorithm: 'fedavg', aggregation: 'median' },
  ])('are not refused where they make sense: %j', (flags) => {
    expect(refused(flags)).toBe('nothing was thrown');
  });
});

describe('options of definitions', () => {
  const idle = (flags: Readonly<Record<string, string>>): string => said(() => refuseIdleSettings([configOf(flags)], [flagSource(flags)]));

  it.each([
    ['oort.cutoff', 'sampling', 'oort', '0.5', 'shuffled'],
    ['trimmed-mean.share', 'aggregation', 'trimmed-mean', '0.3', 'mean'],
    ['multi-krum.keep', 'aggregation', 'multi-krum', '3', 'mean'],
    ['noise.sigma', 'updates', 'clip,noise', '2', 'none'],
  ])('are refused as settings without effect unless the definition is chosen: %s', (key, kind, names, value, initial) => {
    const section = key.split('.')[0]!;
    expect(idle({ [key]: value })).toBe(`flag --${key}: only ${kind} ${section} reads it, and this run has ${kind} ${initial}`);
    expect(idle({ [key]: value, [kind]: names })).toBe('nothing was thrown');
  });

  it('and the names are the identity of a run', () => {
    expect(identityOf(configOf({}))).toBe('metamf@1; sampling shuffled@1; aggregation mean@1; updates none');
    expect(identityOf(configOf({ algorithm: 'fedavg', sampling: 'oort', aggregation: 'krum', updates: 'noise,clip' }))).toBe(
      'fedavg@2; sampling oort@1; aggregation krum@1; updates noise@2, clip@2',
    );
  });
});
