import { z } from 'zod';
import { type ConfigKey, configKeys } from '../../../src/runs/config/parse-config.js';

/** Values of all kinds, some of them hard on YAML; which of them a key may take, its schema says. */
const CANDIDATES: readonly unknown[] = [
  ...[0, 1, 2, 4, 7, 8, 64, 0.25, 0.999, 1e-8, 3.5e-7, 65_535, 12_345.678, Number.MAX_SAFE_INTEGER],
  ...[true, false],
  'all',
  ...[
    '',
    ' ',
    '\t',
    '::',
    'a: b # c',
    '{ a }',
    '}',
    '- x',
    '"',
    "it's",
    'true',
    'null',
    '1e5',
    '0x10',
    '~',
    'ü/ö.csv',
    '*a',
    '&a',
    '!x',
    '%',
    '@',
    '`',
    'a, b',
    '[1]',
  ],
  ...[[], ['a'], ['U', 'low.bias'], [1, 2, 3], ['user id', 'item', '3'], [0.5, 5, 0.5], [1, 5]],
  ...[{}, { U: 0 }, { low: 1e-5, 'low.bias': 0.5 }],
  ...[
    ['nan'],
    [{ length: 3 }],
    [
      { length: 0, cohort: 8 },
      { length: 2.5, arrivals: 0.1 },
    ],
  ],
];

const wordsOf = (schema: unknown): readonly unknown[] => {
  if (schema instanceof z.ZodDefault) return wordsOf(schema.unwrap());
  if (schema instanceof z.ZodArray) return wordsOf(schema.element).map((word) => [word]);
  return schema instanceof z.ZodEnum ? schema.options : [];
};

/** Of keys that hold names which no schema lists; any of them goes with any other. */
const NAMES: Readonly<Record<string, readonly unknown[]>> = {
  'evaluation.metrics': [['mse'], ['ndcg@10', 'mse', 'rmse']],
  stopOn: ['auto', 'mse'],
  updates: [[], ['noise', 'clip']],
};

export const valuesOf = ({ key, schema }: Pick<ConfigKey, 'key' | 'schema'>): unknown[] =>
  (NAMES[key] ?? [...CANDIDATES, ...wordsOf(schema)]).filter((value) => schema.safeParse(value).success);

/** Every key with each of the values it may take. */
export const everyValue: readonly { readonly key: string; readonly value: unknown }[] = configKeys().flatMap((known) =>
  valuesOf(known).map((value) => ({ key: known.key, value })),
);

export const at = (tree: unknown, key: string): unknown =>
  key.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], tree);

/** The tree that says these keys and no others. */
export const treeOf = (values: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const tree: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values)) {
    const path = key.split('.');
    let node = tree;
    for (const name of path.slice(0, -1)) {
      node[name] ??= {};
      node = node[name] as Record<string, unknown>;
    }
    node[path.at(-1)!] = value;
  }
  return tree;
};
