import { LineCounter, parseDocument, Scalar, stringify } from 'yaml';
import { z } from 'zod';
import { badInput, MetafleetError } from '../base/errors.js';
import { type Config, configSchema, PRESETS, type PresetName } from './config.js';

/** One leaf of the configuration, as a flag or a documented line. `key` is its dotted path. */
export type ConfigKey = { readonly key: string; readonly description: string; readonly default: unknown; readonly schema: z.ZodType };

type Tree = { [key: string]: unknown };
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

const DEFAULTS: Config = configSchema.parse({});

const shapeOf = (schema: unknown): Record<string, z.ZodType> | undefined => {
  if (schema instanceof z.ZodPrefault) return shapeOf(schema.unwrap());
  return schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : undefined;
};

const walk = (schema: z.ZodType, path: readonly string[], value: unknown): ConfigKey[] => {
  const shape = shapeOf(schema);
  if (shape === undefined) return [{ key: path.join('.'), description: schema.description ?? '', default: value, schema }];
  return Object.entries(shape).flatMap(([name, child]) => walk(child, [...path, name], (value as Tree)[name]));
};

/** Every key there is, in the order of the schema. */
export const configKeys: readonly ConfigKey[] = walk(configSchema, [], DEFAULTS);

const merge = (base: Tree, over: Tree): Tree => {
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = result[key];
    result[key] = isTree(below) && isTree(value) && !isMap(key) ? merge(below, value) : value;
  }
  return result;
};
/** Maps from tensors to numbers are values, replaced whole. */
const isMap = (key: string): boolean => key === 'decayOf';

const show = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

const OPTIONS = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case 'invalid_type':
      return `${/^[aeiou]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected === 'int' ? 'whole number' : issue.expected}`;
    case 'invalid_value':
      return issue.values.map((value) => JSON.stringify(value)).join(' or ');
    case 'too_small':
      return issue.origin === 'string' ? 'some text' : `a number ${issue.inclusive ? '≥' : '>'} ${issue.minimum}`;
    case 'too_big':
      return `a number ${issue.inclusive ? '≤' : '<'} ${issue.maximum}`;
    case 'invalid_union':
      return 'all, or a whole number ≥ 1';
    default:
      return issue.message;
  }
};

const closest = (name: string): string => {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, j) => j);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + Number(a[i - 1] !== b[j - 1])));
      row = next;
    }
    return row[b.length]!;
  };
  const keys = configKeys.map(({ key }) => key);
  return keys.reduce((best, key) => (distance(name, key) < distance(name, best) ? key : best));
};

const at = (tree: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => (isTree(value) ? value[String(key)] : undefined), tree);

/** The first thing wrong with a tree, as an error; `place` names where a path came from. */
const complain = (error: z.ZodError, tree: Tree, place: (path: readonly PropertyKey[]) => string): MetafleetError => {
  const issue = error.issues[0]!;
  if (issue.code === 'unrecognized_keys') {
    const path = [...issue.path, issue.keys[0]!];
    return badInput('CONFIG', place(path), `a known key (did you mean ${closest(path.join('.'))}?)`, `"${path.join('.')}"`);
  }
  return badInput('CONFIG', place(issue.path), OPTIONS(issue), show(at(tree, issue.path)));
};

/** A source of settings: what it says, and how it names a path in an error. */
export type ConfigSource = { readonly tree: Tree; readonly place: (path: readonly PropertyKey[]) => string };

/** Settings from a YAML text. Throws CONFIG naming `file:line`. */
export const yamlSource = (text: string, file: string): ConfigSource => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const problem = document.errors[0];
  if (problem !== undefined) {
    const { line } = lines.linePos(problem.pos[0]);
    throw new MetafleetError('CONFIG', `${file}:${line}: ${problem.message.split('\n')[0]}`);
  }
  const tree: unknown = document.toJS() ?? {};
  if (!isTree(tree)) throw badInput('CONFIG', file, 'a map of keys', Array.isArray(tree) ? 'a list' : show(tree));
  const place = (path: readonly PropertyKey[]): string => {
    const node = document.getIn(path.map(String), true);
    const start =
      node instanceof Scalar || (typeof node === 'object' && node !== null && 'range' in node)
        ? (node as { range?: [number, number, number] }).range?.[0]
        : undefined;
    return `${file}${start === undefined ? '' : `:${lines.linePos(start).line}`}, key ${path.join('.')}`;
  };
  return { tree, place };
};

/** Settings from flags: dotted keys with text values, read as the key's type wants them. */
export const flagSource = (flags: Readonly<Record<string, string>>): ConfigSource => {
  const tree: Tree = {};
  for (const [key, text] of Object.entries(flags)) {
    const known = configKeys.find((candidate) => candidate.key === key);
    const parsed: unknown = known?.schema.safeParse(text).success ? text : parseDocument(text).toJS();
    const path = key.split('.');
    let node = tree;
    for (const part of path.slice(0, -1)) {
      node[part] ??= {};
      node = node[part] as Tree;
    }
    node[path.at(-1)!] = parsed;
  }
  return { tree, place: (path) => `flag --${path.join('.')}` };
};

export const presetSource = (name: string): ConfigSource => {
  if (!(name in PRESETS)) throw badInput('CONFIG', 'flag --preset', Object.keys(PRESETS).join(' or '), name);
  return { tree: PRESETS[name as PresetName] as Tree, place: (path) => `preset ${name}, key ${path.join('.')}` };
};

/** The configuration: defaults, then each source over the last. Throws CONFIG for the first thing wrong, naming its source. */
export const resolveConfig = (...sources: readonly ConfigSource[]): Config => {
  let tree: Tree = {};
  for (const source of sources) {
    tree = merge(tree, source.tree);
    const result = configSchema.safeParse(tree);
    if (!result.success) throw complain(result.error, source.tree, source.place);
  }
  return configSchema.parse(tree);
};

const indent = (depth: number): string => '  '.repeat(depth);

/** The configuration as YAML; `documented` puts each key's meaning and default above it. */
export const printConfig = (config: Config, documented: boolean): string => {
  const lines: string[] = [];
  let section: readonly string[] = [];
  for (const { key, description, default: initial } of configKeys) {
    const path = key.split('.');
    const parents = path.slice(0, -1);
    if (parents.join('.') !== section.join('.')) {
      parents.forEach((name, depth) => lines.push(`${indent(depth)}${name}:`));
      section = parents;
    }
    const value = at(config, path);
    if (documented) lines.push(`${indent(parents.length)}# ${description} (default: ${show(initial)})`);
    lines.push(
      `${indent(parents.length)}${stringify({ [path.at(-1)!]: value }, { flowCollectionPadding: true, collectionStyle: 'flow' })
        .trim()
        .replace(/^\{ (.*) \}$/s, '$1')}`,
    );
  }
  return `${lines.join('\n')}\n`;
};
