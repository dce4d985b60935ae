import { configKeys, flagSource, printConfig, refuseIdleSettings, resolveConfig, yamlSource } from '../../src/runs/config/parse-config.js';
import { mutateBytes, mutateLines } from './mutate.js';
import { checkPrototypes, checkRefusal, type Target, Wrong } from './target.js';

/** Lines of a small configuration: parsing YAML takes most of the time. */
const EXAMPLE = `data: ml-small
seed: 7
cohort: 32
ratings: all
sampling: activity
dtype: f16
scale: [ 0.5, 5, 0.5 ]
optimizer:
  rate: 0.001
  decay: 1e-3
metamf:
  variant: si
  hidden: 64
checkpoint:
  keep: 3
metrics:
  port: 0
results: results`.split('\n');

const PIECES = [
  ...[
    '__proto__: { polluted: 1 }',
    'constructor: { prototype: { polluted: 1 } }',
    '  __proto__:',
    '<<: *a',
    '&a [ *a, *a ]',
    '*a',
    '!!js/function "x"',
    '!!binary AAAA',
  ],
  ...[
    '.inf',
    '.nan',
    '-1',
    '1e400',
    '99999999999999999999',
    '0x10',
    '0o7',
    '~',
    'true',
    '""',
    "'",
    '"',
    '{',
    '[',
    '[[[[[[[[',
    '{a: {b: {c: 1}}}',
    '|',
    '>',
    '- 1',
    '? x',
    '%YAML 1.1',
    '---',
    '...',
  ],
  ...[
    '\t',
    '  ',
    ': ',
    '# x',
    '\u0000',
    '\ufeff',
    '\u2028',
    'x'.repeat(500),
    '../../x',
    '1_000',
    '1,5',
    'rate: 2',
    'optimizer.rate: 3',
    'decayOf: { U: -1 }',
    'decayOf: { __proto__: 1 }',
  ],
];

/** A flag's place in the input: `flag<TAB>key<TAB>text`. */
const FLAG = 'flag\t';

const decode = (input: Uint8Array): string => Buffer.from(input).toString('utf8');

const sourceOf = (text: string) => {
  if (!text.startsWith(FLAG)) return yamlSource(text, 'fuzz.yaml');
  const [, key = '', ...value] = text.split('\t');
  return flagSource(Object.fromEntries([[key, value.join('\t')]]));
};

/** As `metafleet run` does: what the run would not read is refused. */
const parse = (text: string) => {
  const source = sourceOf(text);
  const config = resolveConfig(source);
  refuseIdleSettings([config], [source]);
  return config;
};

export const configs = async (): Promise<Target> => ({
  make: (source) => {
    const one = <T>(values: readonly T[]): T => values[source.integer(values.length)]!;
    const kind = source.uniform();
    if (kind < 0.35) {
      const key =
        source.uniform() < 0.8
          ? one(configKeys()).key
          : one(['__proto__', '__proto__.x', 'constructor.prototype.x', 'a.b', '', '.', 'optimizer', 'x'.repeat(400)]);
      return Buffer.from(`${FLAG}${key}\t${one(PIECES)}${source.uniform() < 0.3 ? one(PIECES) : ''}`);
    }
    const first = source.integer(EXAMPLE.length);
    const lines = EXAMPLE.slice(first, first + 2 + source.integer(6));
    const text = Buffer.from(mutateLines(lines, PIECES, source).join('\n'));
    return kind < 0.85 || text.length === 0 ? text : mutateBytes(text, Buffer.from(EXAMPLE.join('\n')), source);
  },
  check: (input) => {
    let accepted = false;
    try {
      const config = parse(decode(input));
      const again = resolveConfig(yamlSource(printConfig(config, false), 'printed.yaml'));
      if (JSON.stringify(again) !== JSON.stringify(config)) throw new Wrong('a configuration that is another once it is printed');
      accepted = true;
    } catch (error) {
      if (error instanceof Wrong) throw error;
      checkRefusal(error, 'CONFIG');
    }
    checkPrototypes();
    return accepted;
  },
});
