import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Config, configSchema } from '../../../src/runs/config/config.js';
import { definitionSections, sectionsInUse } from '../../../src/runs/config/definitions.js';
import { configKeys, keysInUse, printConfig, resolveConfig, yamlSource } from '../../../src/runs/config/parse-config.js';
import { treeOf, valuesOf } from '../../support/runs/config-values.js';

/** The schema alone: values of all keys next to each other may contradict one another. */
const parse = (text: string): Config => configSchema().parse(yamlSource(text, 'printed.yaml').tree);
const DEFAULTS = configSchema().parse({});
/** Options of definitions that a configuration does not choose are not printed: they come back as defaults. */
const withoutIdle = (config: Config): Config => {
  const used = sectionsInUse(config);
  const idle = Object.keys(definitionSections()).filter((name) => !used.has(name));
  return { ...config, ...Object.fromEntries(idle.map((name) => [name, DEFAULTS[name]])) };
};
const expectRoundTrip = (config: Config): void => {
  for (const documented of [true, false]) expect(parse(printConfig(config, documented))).toEqual(withoutIdle(config));
};

/** A configuration with any of the keys at any of the values they may take. */
const anyConfig = fc
  .record(Object.fromEntries(configKeys().map((known) => [known.key, fc.constantFrom(...valuesOf(known))])), { requiredKeys: [] })
  .map((values) => configSchema().parse(treeOf(values)));

describe('the printed configuration', () => {
  it('reads back as the same one', () => {
    expectRoundTrip(resolveConfig());
    // Every value of every key, those of all keys side by side: one configuration for each value would be a thousand.
    const values = configKeys().map((known) => [known.key, valuesOf(known)] as const);
    for (let turn = 0; turn < Math.max(...values.map(([, all]) => all.length)); turn++) {
      expectRoundTrip(configSchema().parse(treeOf(Object.fromEntries(values.map(([key, all]) => [key, all[turn % all.length]])))));
    }
    fc.assert(fc.property(anyConfig, expectRoundTrip), { numRuns: 60 });
  });

  it('shows every key once, in order, each with its meaning and default above it', () => {
    const lines = printConfig(resolveConfig(), true).trimEnd().split('\n');
    let from = 0;
    for (const { key, description, default: value } of keysInUse(resolveConfig())) {
      const name = key.split('.').at(-1)!;
      const comment = lines.indexOf(`${'  '.repeat(key.split('.').length - 1)}# ${description} (default: ${JSON.stringify(value)})`, from);
      expect(comment, key).toBeGreaterThanOrEqual(from);
      expect(lines[comment + 1]!.trimStart().startsWith(`${name}:`), key).toBe(true);
      from = comment + 2;
    }
    const bare = printConfig(resolveConfig(), false);
    expect(bare).not.toContain('#');
    expect(lines.filter((line) => !line.trimStart().startsWith('#')).join('\n')).toBe(bare.trimEnd());
  });

  it.each([
    ['a long path', { data: `/home/${'x'.repeat(100)}/ratings.csv` }],
    ['a long text', { data: 'a path with spaces '.repeat(8) }],
    ['a large map', { optimizer: { decayOf: Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`hidden.layer${i}`, i / 1000])) } }],
    ['text of two lines', { data: 'a\nb' }],
  ])('reads back as the same one with %s', (_, tree) => {
    expectRoundTrip(configSchema().parse(tree));
  });
});
