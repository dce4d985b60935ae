import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Definition, unusedOptions } from '../../../src/definitions/kind.js';
import { type ConfigSource, flagSource, refuseIdleSettings, resolveConfig, yamlSource } from '../../../src/runs/config/parse-config.js';

const refusal = (...sources: readonly ConfigSource[]): string => {
  try {
    refuseIdleSettings([resolveConfig(...sources)], sources);
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
};
const flags = (more: Readonly<Record<string, string>>): ConfigSource => flagSource({ algorithm: 'fedavg', ...more });

describe('an option that the other options of its definition leave without effect', () => {
  it.each([
    [{ 'fedavg.beta2': '.9' }, 'fedavg.beta2'],
    [{ 'fedavg.serverOptimizer': 'momentum', 'fedavg.tau': '.1' }, 'fedavg.tau'],
    [{ 'fedavg.units': '4' }, 'fedavg.units'],
    [{ 'fedavg.centring': 'none', 'fedavg.centringDamping': '3' }, 'fedavg.centringDamping'],
  ])('is refused by name: %j', (more, key) => {
    expect(refusal(flags(more))).toBe(`flag --${key}: the other fedavg options of this run leave it without effect`);
  });

  it.each([
    { 'fedavg.serverOptimizer': 'adam', 'fedavg.beta2': '.9' },
    { 'fedavg.model': 'mlp', 'fedavg.units': '4' },
    // Its default says nothing.
    { 'fedavg.beta2': '.99' },
    { 'fedavg.proximal': '0', 'fedavg.controlVariates': 'true', 'fedavg.rowWeighting': 'cohort' },
  ])('is taken where they read it: %j', (more) => expect(refusal(flags(more))).toBe('none'));

  it('is refused in a file, which is named with its line', () => {
    const file = yamlSource('algorithm: fedavg\nfedavg:\n  tau: 0.5\n', 'run.yaml');
    expect(refusal(file)).toMatch(/^run\.yaml:3.*fedavg\.tau: the other fedavg options/);
  });
});

describe('what a definition says of its options', () => {
  const options = z.strictObject({ depth: z.number().default(1).describe('depth'), width: z.number().default(1).describe('width') });
  const definition = (unused: unknown): Definition => ({ name: 'mine', version: '1', options, unused: unused as () => string[] });

  it('is a list of their names, empty where it says nothing', () => {
    expect(unusedOptions({ name: 'mine', version: '1', options }, {})).toEqual([]);
    expect(
      unusedOptions(
        definition(({ depth }: { depth: number }) => (depth === 0 ? ['width'] : [])),
        { depth: 0 },
      ),
    ).toEqual(['width']);
  });

  it.each([
    [() => ['widht'], 'widht'],
    [() => 'width', 'width'],
    [() => undefined, 'undefined'],
    [
      () => {
        throw new Error('no depth');
      },
      'no depth',
    ],
  ])('is refused with MODULE otherwise: %s', (unused, found) => {
    expect(() => unusedOptions(definition(unused), {})).toThrow(
      `definition mine, unused: expected a list of names of its options, found ${found}`,
    );
  });
});
