import { isScalar, isMap as isYamlMap, LineCounter, parseDocument, Scalar, stringify } from 'yaml';
import { z } from 'zod';
import { badInput, MetafleetError, messageOf } from '../../base/errors.js';
import { checkTask, isFleetKey, modelDefaults } from './central.js';
import { type Config, configSchema, PRESETS, type PresetName } from './config.js';
import { definitionSections, isCentral, KINDS, sectionsInUse } from './definitions.js';
import { checkEffects } from './effects.js';
import { checkMeasured } from './measured.js';

/** One leaf of the configuration, for a flag and a documented line. `key` is its dotted path. */
export type ConfigKey = { readonly key: string; readonly description: string; readonly default: unknown; readonly schema: z.ZodType };

type Tree = { [key: string]: unknown };
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

const shapeOf = (schema: unknown): Record<string, z.ZodType> | undefined => {
  if (schema instanceof z.ZodPrefault) return shapeOf(schema.unwrap());
  return schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : undefined;
};

const walk = (schema: z.ZodType, path: readonly string[], value: unknown): ConfigKey[] => {
  const shape = shapeOf(schema);
  if (shape === undefined) return [{ key: path.join('.'), description: schema.description ?? '', default: value, schema }];
  return Object.entries(shape).flatMap(([name, child]) => walk(child, [...path, name], (value as Tree)[name]));
};

/** All keys, in the order of the schema. Those of users' modules are there once the modules are loaded. */
export const configKeys = (): readonly ConfigKey[] => {
  const schema = configSchema();
  return walk(schema, [], schema.parse({}));
};

const merge = (base: Tree, over: Tree): Tree => {
  // Defined, not assigned: a key named __proto__ is one more unknown key.
  const entries = Object.entries(over).map(([key, value]): [string, unknown] => {
    const below = Object.hasOwn(base, key) ? base[key] : undefined;
    return [key, isTree(below) && isTree(value) && !isMap(key) ? merge(below, value) : value];
  });
  return Object.fromEntries([...Object.entries(base), ...entries]);
};
/** Maps from tensors to numbers are values, replaced whole. */
const isMap = (key: string): boolean => key === 'decayOf';

const show = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  return typeof value === 'number' ? String(value) : shortened(JSON.stringify(value) ?? String(value));
};

/** An error is one line, for any value. */
const shortened = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text);

/** The values that a key of several types takes. */
const unionText = (key: string): string => {
  const schema = configKeys().find((known) => known.key === key)?.schema;
  const union = schema instanceof z.ZodDefault ? schema.unwrap() : schema;
  const options = union instanceof z.ZodUnion ? union.options : [];
  return options.map(optionText).join(', or ') || 'another type';
};

const optionText = (option: unknown): string => {
  if (option instanceof z.ZodLiteral) return [...option.values].join(', ');
  if (option instanceof z.ZodEnum) return option.options.join(', ');
  if (!(option instanceof z.ZodNumber)) return 'another type';
  const { isInt, minValue } = option;
  return `a ${isInt ? 'whole ' : ''}number${minValue !== null && Number.isFinite(minValue) && minValue !== Number.MIN_SAFE_INTEGER ? ` ≥ ${minValue}` : ''}`;
};

const OPTIONS = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case 'invalid_type': {
      const expected = { int: 'whole number', record: 'map' }[issue.expected as string] ?? issue.expected;
      return `${/^[aeiou]/.test(expected) ? 'an' : 'a'} ${expected}`;
    }
    case 'invalid_value':
      return issue.values.map((value) => JSON.stringify(value)).join(' or ');
    case 'too_small':
      if (issue.origin === 'array') return `a list of at least ${issue.minimum}`;
      return issue.origin === 'string' ? 'some text' : `a number ${issue.inclusive ? '≥' : '>'} ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'array') return `a list of at most ${issue.maximum}`;
      return `a number ${issue.inclusive ? '≤' : '<'} ${issue.maximum}`;
    case 'invalid_union':
      return unionText(issue.path.join('.'));
    default:
      return issue.message;
  }
};

/** The time to compare two names grows with the product of their lengths. */
const MOST_NAME = 100;

const closest = (name: string, keys: readonly string[]): string => {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, j) => j);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + Number(a[i - 1] !== b[j - 1])));
      row = next;
    }
    return row[b.length]!;
  };
  return keys.reduce((best, key) => (distance(name, key) < distance(name, best) ? key : best));
};

const at = (tree: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => (typeof value === 'object' && value !== null ? (value as Tree)[String(key)] : undefined), tree);

/** The value of a dotted key. */
export const configValue = (config: Config, key: string): unknown => at(config, key.split('.'));

/** The first mistake in a source, as an error. `keys` are the known ones. */
export const schemaError = (error: z.ZodError, { tree, place }: ConfigSource, keys: readonly string[]): MetafleetError => {
  // If a key is missing because it is misspelt, the error names the misspelling.
  const issue = error.issues.find(({ code }) => code === 'unrecognized_keys') ?? error.issues[0]!;
  if (issue.code === 'unrecognized_keys') {
    const path = [...issue.path, issue.keys[0]!];
    const name = path.join('.');
    return badInput(
      'CONFIG',
      shortened(place(path)),
      `a known key (did you mean ${closest(name.slice(0, MOST_NAME), keys)}?)`,
      `"${shortened(name)}"`,
    );
  }
  const chooses = issue.code === 'invalid_value' && KINDS.some(({ key }) => key === issue.path[0]);
  const expected = chooses ? `${OPTIONS(issue)} or a path to a module such as ./mine.js` : OPTIONS(issue);
  return badInput('CONFIG', place(issue.path), expected, show(at(tree, issue.path)));
};

/** A source of settings: its values, and the name of a path in an error. */
export type ConfigSource = { readonly tree: Tree; readonly place: (path: readonly PropertyKey[]) => string };

/** The parser goes down once for each level. */
const orTooDeep = <T>(file: string, parse: () => T): T => {
  try {
    return parse();
  } catch (error) {
    throw badInput('CONFIG', file, 'a configuration', `what cannot be parsed: ${shortened(messageOf(error).split('\n')[0]!)}`);
  }
};

/** Settings from a YAML text. Throws CONFIG naming `file:line`. */
export const yamlSource = (text: string, file: string): ConfigSource => {
  const lines = new LineCounter();
  const document = orTooDeep(file, () => parseDocument(text, { lineCounter: lines, logLevel: 'error' }));
  const problem = document.errors[0];
  if (problem !== undefined) {
    const { line } = lines.linePos(problem.pos[0]);
    throw new MetafleetError('CONFIG', `${file}:${line}: ${problem.message.split('\n')[0]}`);
  }
  let tree: unknown;
  try {
    tree = document.toJS() ?? {};
    // An anchor within itself is a circle, and the code below would not end.
    JSON.stringify(tree);
  } catch (error) {
    throw new MetafleetError('CONFIG', `${file}: ${shortened(messageOf(error).split('\n')[0]!)}`, { cause: error });
  }
  if (!isTree(tree)) throw badInput('CONFIG', file, 'a map of keys', Array.isArray(tree) ? 'a list' : show(tree));
  const place = (path: readonly PropertyKey[]): string => {
    const names = path.map(String);
    const above = document.getIn(names.slice(0, -1), true) ?? document.contents;
    const pair = isYamlMap(above) ? above.items.find(({ key }) => isScalar(key) && String(key.value) === names.at(-1)) : undefined;
    const node = pair?.key ?? document.getIn(names, true);
    const start =
      node instanceof Scalar || (typeof node === 'object' && node !== null && 'range' in node)
        ? (node as { range?: [number, number, number] }).range?.[0]
        : undefined;
    return `${file}${start === undefined ? '' : `:${lines.linePos(start).line}`}, key ${path.join('.')}`;
  };
  return { tree, place };
};

/** A flag's text as YAML. Text that is no YAML stays as it is, and the error shows it. */
const readFlag = (text: string): unknown => {
  try {
    const document = parseDocument(text, { logLevel: 'error' });
    if (document.errors.length > 0) return text;
    const value: unknown = document.toJS();
    JSON.stringify(value);
    return value;
  } catch {
    return text;
  }
};

/** The tree of values with dotted keys. */
export const treeOf = (values: Readonly<Record<string, unknown>>): Tree =>
  Object.entries(values).reduce<Tree>(
    (tree, [key, value]) =>
      merge(tree, key.split('.').reduceRight<unknown>((below, name) => Object.fromEntries([[name, below]]), value) as Tree),
    {},
  );

/** Settings from flags: dotted keys with text values, which are read by the type of the key. */
export const flagSource = (flags: Readonly<Record<string, string>>): ConfigSource => {
  const keys = configKeys();
  const values = Object.entries(flags).map(([key, text]): [string, unknown] => {
    const known = keys.find((candidate) => candidate.key === key);
    if (known?.schema.safeParse(text).success) return [key, text];
    const isListed = KINDS.some((kind) => kind.key === key) && Array.isArray(known?.default) && !text.startsWith('[');
    return [key, isListed ? text.split(',').map((name) => name.trim()) : readFlag(text)];
  });
  const tree = treeOf(Object.fromEntries(values));
  return { tree, place: (path) => `flag --${path.join('.')}` };
};

export const presetSource = (name: string): ConfigSource => {
  if (!Object.hasOwn(PRESETS, name)) throw badInput('CONFIG', 'flag --preset', Object.keys(PRESETS).join(' or '), name);
  return { tree: PRESETS[name as PresetName] as Tree, place: (path) => `preset ${name}, key ${path.join('.')}` };
};

/** The place of a key in the last source that has it. */
const placeOf = (path: readonly string[], sources: readonly ConfigSource[]): string => {
  const source = sources.findLast(({ tree }) => at(tree, path) !== undefined);
  return source === undefined ? `key ${path.join('.')}` : shortened(source.place(path));
};

/** The configuration: defaults, then each source over the one before. Throws CONFIG for the first mistake, naming its source. */
export const resolveConfig = (...sources: readonly ConfigSource[]): Config => {
  const schema = configSchema();
  // Before all sources: a central model has defaults of its own.
  const algorithm = sources.findLast((source) => source.tree['algorithm'] !== undefined)?.tree['algorithm'];
  let tree: Tree = modelDefaults(algorithm);
  for (const source of sources) {
    tree = merge(tree, source.tree);
    const result = schema.safeParse(tree);
    if (!result.success)
      throw schemaError(
        result.error,
        source,
        configKeys().map(({ key }) => key),
      );
  }
  const config = schema.parse(tree);
  const place = (key: string): string => placeOf(key.split('.'), sources);
  checkMeasured(config, place);
  checkTask(config, place);
  return config;
};

/** Keys that a source sets to another value than the default. */
const changedKeys = ({ tree }: ConfigSource): readonly string[] =>
  configKeys()
    .filter(({ key, default: initial }) => {
      const value = at(tree, key.split('.'));
      return value !== undefined && JSON.stringify(value) !== JSON.stringify(initial);
    })
    .map(({ key }) => key);

/** Throws CONFIG for a setting of one of these sources that none of the configurations reads. */
export const refuseIdleSettings = (configs: readonly Config[], sources: readonly ConfigSource[]): void => {
  for (const source of sources) checkEffects(configs, changedKeys(source), (key) => source.place(key.split('.')));
};

const indent = (depth: number): string => '  '.repeat(depth);

/** All keys, except the sections of definitions that the configuration does not choose, and those of fleets at their defaults where it has none. */
export const keysInUse = (config: Config): readonly ConfigKey[] => {
  const used = sectionsInUse(config);
  const idle = Object.keys(definitionSections()).filter((name) => !used.has(name));
  const central = isCentral(config);
  const isIdle = ({ key, default: initial }: ConfigKey): boolean =>
    central && isFleetKey(key) && JSON.stringify(configValue(config, key)) === JSON.stringify(initial);
  return configKeys().filter((key) => !idle.includes(key.key.split('.')[0]!) && !isIdle(key));
};

/**
 * The configuration as YAML. `documented` puts each key's meaning and default above it. Options of a definition are printed
 * if the configuration chooses the definition. `keeps` says which keys are printed. Default: all.
 */
export const printConfig = (config: Config, documented: boolean, keeps: (key: string) => boolean = () => true): string => {
  const lines: string[] = [];
  let section: readonly string[] = [];
  for (const { key, description, default: initial } of keysInUse(config)) {
    if (!keeps(key)) continue;
    const path = key.split('.');
    const parents = path.slice(0, -1);
    if (parents.join('.') !== section.join('.')) {
      parents.forEach((name, depth) => lines.push(`${indent(depth)}${name}:`));
      section = parents;
    }
    const value = at(config, path);
    if (documented) lines.push(`${indent(parents.length)}# ${description} (default: ${show(initial)})`);
    const name = path.at(-1)!;
    const flow = stringify({ [name]: value }, { flowCollectionPadding: true, collectionStyle: 'flow' }).trim();
    // A value that YAML would fold over several lines is written as JSON, which is YAML, too.
    const text = flow.includes('\n') ? `${name}: ${JSON.stringify(value)}` : flow.replace(/^\{ (.*) \}$/, '$1');
    lines.push(`${indent(parents.length)}${text}`);
  }
  return `${lines.join('\n')}\n`;
};
