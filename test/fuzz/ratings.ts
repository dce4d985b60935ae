import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dataset, Ratings } from '../../src/data/dataset.js';
import { loadDataset } from '../../src/data/load.js';
import { mutateBytes, mutateLines } from './mutate.js';
import { checkRefusal, type Target, Wrong } from './target.js';

const rows = (separator: string): string[] =>
  Array.from({ length: 12 }, (_, i) => [1 + (i % 4), 1 + ((7 * i) % 9), 0.5 + (i % 9) / 2, 1_000_000 + i].join(separator));

/** The forms that are read, small. */
const EXAMPLES: readonly (readonly string[])[] = [
  rows('::'),
  rows('\t'),
  ['userId,movieId,rating,timestamp', ...rows(',')],
  [
    '"User-ID";"ISBN";"Book-Rating"',
    ...rows(';').map((row) =>
      row
        .split(';')
        .slice(0, 3)
        .map((field) => `"${field}"`)
        .join(';'),
    ),
  ],
];

const PIECES = [
  ...[
    '',
    ',',
    ';',
    '::',
    '\t',
    '"',
    '""',
    '\\"',
    '1',
    '0',
    '-1',
    '1e9',
    '1e400',
    'NaN',
    'Infinity',
    '007',
    '+1',
    '99999999999999999999',
    'abc',
    '1.2.3',
    '5,5',
    ' ',
  ],
  ...[
    '\r',
    '\u0000',
    '\ufeff',
    '\u00e9',
    'x'.repeat(3000),
    ',,,,,,,,'.repeat(40),
    '__proto__,1,3',
    'constructor,1,4',
    '1,1,3',
    '1::1::3',
    'userId,movieId,rating',
  ],
];

const checkPart = ({ offsets, items, values }: Ratings, { users, items: most, scale }: Dataset): void => {
  if (offsets.length !== users + 1 || offsets[0] !== 0 || offsets[users] !== items.length || items.length !== values.length)
    throw new Wrong('offsets that do not fit');
  for (let user = 0; user < users; user++) if (offsets[user]! > offsets[user + 1]!) throw new Wrong('offsets that fall');
  for (const item of items) if (item >= most) throw new Wrong(`item ${item} of ${most}`);
  // Values are float32, the scale is not.
  const slack = 1e-6 * Math.max(Math.abs(scale.lowest), Math.abs(scale.highest));
  for (const value of values)
    if (!(value >= scale.lowest - slack && value <= scale.highest + slack)) throw new Wrong(`a rating of ${value}`);
};

export const ratings = async (): Promise<Target> => {
  const folder = mkdtempSync(join(tmpdir(), 'metafleet-fuzz-'));
  const path = join(folder, 'any.csv');
  return {
    make: (source) => {
      const example = EXAMPLES[source.integer(EXAMPLES.length)]!;
      const end = source.uniform() < 0.2 ? '\r\n' : '\n';
      const text = Buffer.from(mutateLines(example, PIECES, source).join(end));
      return source.uniform() < 0.6 || text.length === 0 ? text : mutateBytes(text, Buffer.from(EXAMPLES[0]!.join('\n')), source);
    },
    check: async (input) => {
      writeFileSync(path, input);
      try {
        const dataset = await loadDataset(path, { split: 'random', seed: 1 });
        for (const part of ['train', 'valid', 'test'] as const) checkPart(dataset.parts[part], dataset);
        return true;
      } catch (error) {
        if (error instanceof Wrong) throw error;
        checkRefusal(error, 'DATA');
        return false;
      }
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
};
