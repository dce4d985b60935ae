import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { configKeys, flagSource, resolveConfig } from '../../../src/runs/config/parse-config.js';
import { at, everyValue, valuesOf } from '../../support/runs/config-values.js';

const said = (key: string, text: string): string => {
  try {
    resolveConfig(flagSource({ [key]: text }));
  } catch (error) {
    if (!isMetafleetError(error, 'CONFIG')) throw error;
    return error.message;
  }
  return 'nothing was thrown';
};

describe('a flag', () => {
  it('can say at least two values of every key', () => {
    for (const known of configKeys()) expect(valuesOf(known).length, known.key).toBeGreaterThan(1);
  });

  it('says what a key is meant to hold, of every type', () => {
    for (const { key, value } of everyValue) {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      expect(at(resolveConfig(flagSource({ [key]: text })), key), `--${key} ${text}`).toEqual(value);
    }
  });

  it('keeps any text as it stands if the key holds text', () => {
    for (const text of ['5', 'true', 'null', '[a]', '{}', '~', 'yes']) expect(resolveConfig(flagSource({ data: text })).data).toBe(text);
  });

  it('says lists and maps in YAML', () => {
    const { columns, optimizer } = resolveConfig(flagSource({ columns: '[user, 2, rating]', 'optimizer.decayOf': '{low: 1e-3, U: 0}' }));
    expect(columns).toEqual(['user', 2, 'rating']);
    expect(optimizer.decayOf).toEqual({ low: 1e-3, U: 0 });
  });

  it('changes its own key only', () => {
    const defaults = resolveConfig();
    expect(resolveConfig(flagSource({ 'optimizer.rate': '0.5', 'metamf.hidden': '7' }))).toEqual({
      ...defaults,
      optimizer: { ...defaults.optimizer, rate: 0.5 },
      metamf: { ...(defaults['metamf'] as object), hidden: 7 },
    });
  });

  it.each([
    ['cohort', 'many', 'flag --cohort: expected a number, found "many"'],
    ['cohort', '', 'flag --cohort: expected a number, found null'],
    ['cohort', '-1', 'flag --cohort: expected a number ≥ 1, found -1'],
    ['metrics.port', '70000', 'flag --metrics.port: expected a number ≤ 65535, found 70000'],
    ['baselines', 'perhaps', 'flag --baselines: expected a boolean, found "perhaps"'],
    ['dtype', 'f64', 'flag --dtype: expected "f32" or "f16" or "int8", found "f64"'],
    ['columns', 'user,item,rating', 'flag --columns: expected an array, found "user,item,rating"'],
    ['ratings', 'some', 'flag --ratings: expected all, or a whole number ≥ 1, found "some"'],
    ['chort', '5', 'flag --chort: expected a known key (did you mean cohort?), found "chort"'],
    ['optimizer.rat', '5', 'flag --optimizer.rat: expected a known key (did you mean optimizer.rate?), found "optimizer.rat"'],
    ['optimizer', '5', 'flag --optimizer: expected an object, found 5'],
  ])('--%s %s is refused by name', (key, text, line) => {
    expect(said(key, text)).toBe(line);
  });

  // Not so yet: remove ".fails" when it is mended.
  it('that is an alias to nowhere is refused as CONFIG', () => {
    expect(said('cohort', '*fleet')).toMatch(/^flag --cohort: expected a number/);
  });
});
