import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { configSchema, PRESETS, type PresetName } from '../../../src/runs/config/config.js';
import {
  type ConfigSource,
  configKeys,
  flagSource,
  presetSource,
  resolveConfig,
  yamlSource,
} from '../../../src/runs/config/parse-config.js';

const yaml = (text: string): ConfigSource => yamlSource(text, 'run.yaml');
const errorOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (!isMetafleetError(error, 'CONFIG')) throw error;
    expect(error.message).not.toContain('\n');
    return error.message;
  }
  return 'nothing was thrown';
};
const said = (text: string): string => errorOf(() => resolveConfig(yaml(text)));

describe('the configuration', () => {
  it('is valid with every default, and whole', () => {
    const config = resolveConfig();
    expect(configSchema().parse(config)).toEqual(config);
    const walk = (value: unknown, path: readonly string[]): string[] =>
      typeof value === 'object' && value !== null && !Array.isArray(value) && !configKeys().some(({ key }) => key === path.join('.'))
        ? Object.entries(value).flatMap(([key, child]) => walk(child, [...path, key]))
        : [path.join('.')];
    expect(walk(config, [])).toEqual(configKeys().map(({ key }) => key));
  });

  it('has a meaning and a valid default for every key', () => {
    expect(configKeys().length).toBeGreaterThan(30);
    expect(new Set(configKeys().map(({ key }) => key)).size).toBe(configKeys().length);
    for (const { key, description, schema, default: value } of configKeys()) {
      expect(description.trim().length, key).toBeGreaterThan(5);
      expect(description, key).not.toContain('\n');
      expect(value, key).toBeDefined();
      expect(schema.safeParse(value).success, key).toBe(true);
    }
  });

  it.each(Object.keys(PRESETS) as PresetName[])('has a valid preset %s', (name) => {
    expect(() => resolveConfig(presetSource(name))).not.toThrow();
  });

  it('knows its presets', () => {
    for (const name of ['fast', 'Default', ''])
      expect(errorOf(() => presetSource(name))).toBe(`flag --preset: expected ${Object.keys(PRESETS).join(' or ')}, found ${name}`);
  });

  it('takes what a flag says over what a file says over what a preset says over the defaults', () => {
    const preset: ConfigSource = {
      tree: { cohort: 10, decoys: 10, epochs: 10, optimizer: { rate: 0.1, clip: 10 } },
      place: () => 'preset',
    };
    const file = yaml('decoys: 20\nepochs: 20\noptimizer:\n  rate: 0.2\n  beta1: 0.2\n');
    const flags = flagSource({ epochs: '30', 'optimizer.rate': '0.3' });
    const config = resolveConfig(preset, file, flags);
    const { rounds, metrics, optimizer } = resolveConfig();
    expect(config).toMatchObject({ cohort: 10, decoys: 20, epochs: 30, rounds, metrics });
    expect(config.optimizer).toEqual({ ...optimizer, rate: 0.3, clip: 10, beta1: 0.2 });
  });

  it('takes the later of two files, and nothing from an empty one', () => {
    expect(resolveConfig(yaml('cohort: 5\ndecoys: 1'), yaml('cohort: 6'), yaml(''), yaml('# nothing'))).toMatchObject({
      cohort: 6,
      decoys: 1,
    });
  });

  it('replaces maps from tensors to numbers whole, and lists too', () => {
    const config = resolveConfig(
      yaml('optimizer:\n  decayOf: { U: 1, M: 2 }\n  tensorMoments: [U, M]'),
      yaml('optimizer:\n  decayOf: { low: 3 }\n  tensorMoments: [low]'),
    );
    expect(config.optimizer).toMatchObject({ decayOf: { low: 3 }, tensorMoments: ['low'] });
    expect(config.optimizer.decayOf).not.toHaveProperty('U');
    expect(resolveConfig(yaml('optimizer:\n  decayOf: { U: 1 }'), flagSource({ 'optimizer.decayOf': '{}' })).optimizer.decayOf).toEqual({});
  });

  it('blames the source that is wrong, not the one before it', () => {
    expect(errorOf(() => resolveConfig(yaml('cohort: 5'), flagSource({ cohort: '0' })))).toBe(
      'flag --cohort: expected a number ≥ 1, found 0',
    );
    expect(errorOf(() => resolveConfig(yaml('cohort: 0'), flagSource({ cohort: '5' })))).toBe(
      'run.yaml:1, key cohort: expected a number ≥ 1, found 0',
    );
    const preset: ConfigSource = { tree: { cohort: 0 }, place: (path) => `preset odd, key ${path.join('.')}` };
    expect(errorOf(() => resolveConfig(preset))).toBe('preset odd, key cohort: expected a number ≥ 1, found 0');
  });
});

describe('a configuration file', () => {
  it.each([
    ['an unknown key', '\ncohrt: 3\n', 'run.yaml:2, key cohrt: expected a known key (did you mean cohort?), found "cohrt"'],
    [
      'an unknown key in a section',
      'seed: 1\noptimizer:\n  rate: 1\n  beta_1: 0\n',
      'run.yaml:4, key optimizer.beta_1: expected a known key (did you mean optimizer.beta1?), found "optimizer.beta_1"',
    ],
    ['text for a number', 'cohort: many', 'run.yaml:1, key cohort: expected a number, found "many"'],
    ['a number for text', 'data: 5', 'run.yaml:1, key data: expected a string, found 5'],
    ['text for yes or no', '# first\n\nbaselines: maybe', 'run.yaml:3, key baselines: expected a boolean, found "maybe"'],
    ['nothing', 'epochs:', 'run.yaml:1, key epochs: expected a number, found null'],
    ['a value for a section', 'optimizer: 5', 'run.yaml:1, key optimizer: expected an object, found 5'],
    ['too small a number', 'optimizer:\n  rate: 0', 'run.yaml:2, key optimizer.rate: expected a number > 0, found 0'],
    ['too large a number', 'metrics:\n  port: 65536', 'run.yaml:2, key metrics.port: expected a number ≤ 65535, found 65536'],
    ['a number at an open bound', 'optimizer:\n  beta2: 1', 'run.yaml:2, key optimizer.beta2: expected a number < 1, found 1'],
    ['empty text', 'results: ""', 'run.yaml:1, key results: expected some text, found ""'],
    [
      'a word that is none of those it may be',
      'sampling: random',
      'run.yaml:1, key sampling: expected "shuffled" or "uniform" or "poisson" or "activity" or "round-robin" or "available" or "oort" or a path to a module such as ./mine.js, found "random"',
    ],
    ['neither a number nor all', 'ratings: some', 'run.yaml:1, key ratings: expected all, or a whole number ≥ 1, found "some"'],
    [
      'a bad number in a map',
      'optimizer:\n  decayOf:\n    low: -1',
      'run.yaml:3, key optimizer.decayOf.low: expected a number ≥ 0, found -1',
    ],
    ['text for a list', 'optimizer:\n  tensorMoments: low', 'run.yaml:2, key optimizer.tensorMoments: expected an array, found "low"'],
    ['a list for all', '- cohort\n- 5', 'run.yaml: expected a map of keys, found a list'],
    ['a number for all', '5', 'run.yaml: expected a map of keys, found 5'],
  ])('with %s is refused by line, key, expectation and finding', (_, text, line) => {
    expect(said(text)).toBe(line);
  });

  it('with a section for a value is refused', () => {
    expect(said('cohort:\n  size: 5')).toMatch(/^run\.yaml:[12], key cohort: expected a number, found {"size":5}$/);
  });

  it('with a fraction for a count is refused', () => {
    expect(said('seed: 2\ncohort: 1.5')).toMatch(/^run\.yaml:2, key cohort: expected an? whole number, found 1\.5$/);
  });

  it.each([
    ['an open bracket', 'seed: 1\ncolumns: [a, b\n', 2],
    ['an open quote', 'seed: 1\n\ndata: "x\n', 3],
    ['a key twice', 'cohort: 1\nseed: 2\ncohort: 3', 3],
    ['tabs for indentation', 'optimizer:\n\trate: 1', 2],
    ['two documents', 'seed: 1\n---\nseed: 2', 2],
  ])('that is no YAML for %s is refused by line', (_, text, line) => {
    expect(said(text)).toMatch(new RegExp(`^run\\.yaml:${line}(, |: |$)|^run\\.yaml:${line + 1}: `));
  });

  it('puts into no object what was not asked for', () => {
    try {
      resolveConfig(yaml('__proto__:\n  polluted: 1\nconstructor: 2'));
    } catch (error) {
      expect(isMetafleetError(error, 'CONFIG')).toBe(true);
    }
    expect('polluted' in {}).toBe(false);
  });
});

// These are not so yet: remove ".fails" when they are mended.
describe('a configuration file, as it should be', () => {
  it('with an alias to nowhere is refused as CONFIG', () => {
    expect(said('cohort: *fleet')).toMatch(/^run\.yaml.*alias/);
  });
  it('with an unknown section is refused by the line of its name', () => {
    expect(said('optimiser:\n  rate: 1')).toMatch(/^run\.yaml:1, /);
  });
  it('with a bad element of a list gets an error with that element', () => {
    expect(said('scale: [1, x]')).toMatch(/found "x"$/);
  });
  it('with too long a list gets an error that says so', () => {
    expect(said('columns: [a, b, c, d, e]')).toMatch(/expected a list of at most 4/);
  });
  it('with a key named __proto__ is refused like any unknown one', () => {
    expect(said('__proto__:\n  cohort: 3')).toMatch(/expected a known key/);
  });
  it('does not take what every object has for a preset', () => {
    expect(errorOf(() => presetSource('toString'))).toMatch(/^flag --preset: expected/);
  });
  it('with an infinite number gets an error that says so', () => {
    expect(said('optimizer:\n  rate: .inf')).toMatch(/found .*inf/i);
  });
});
