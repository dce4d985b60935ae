import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '../../src/base/random.js';
import { readRatings } from '../../src/data/import/reader.js';
import { rowSink } from '../../src/data/import/row-sink.js';
import { emptyRows } from '../../src/data/import/rows.js';
import { mutateBytes, mutateLines } from './mutate.js';
import { checkPrototypes, checkRefusal, type Target, Wrong } from './target.js';

/** One target for each reader: the examples of docs/formats.md, changed. */
const FIXTURES = join('test', 'data', 'formats', 'fixtures');

/** What breaks one reader or another. */
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
    "'",
    '\\',
    '{',
    '}',
    '[',
    ']',
    ':',
    '|',
    '1',
    '0',
    '-1',
    '99',
    '1e400',
    'NaN',
    'null',
    'None',
  ],
  ...[
    'true',
    '007',
    '9007199254740993',
    '1:',
    '1|2',
    '1:1',
    '0:1 1:1',
    '%',
    '%%MatrixMarket',
    'review/score: 5',
    '\\u0000',
    '\\x41',
    '\\ud800',
  ],
  ...[
    '\r',
    '\u0000',
    '\ufeff',
    '\u00e9',
    '日本',
    'x'.repeat(3000),
    '[['.repeat(50),
    '{"a":'.repeat(40),
    '__proto__',
    '"__proto__": 1,',
    'constructor',
  ],
  ...['2005-09-06', '99999999999999999999', '2005-13-45', ' ', '\n', '\n\n'],
] as const;

const checkRead = async (path: string): Promise<void> => {
  const rows = emptyRows();
  const reading = await readRatings(path, {}, rowSink(rows));
  if (reading.kept !== rows.count || reading.rows < reading.kept)
    throw new Wrong(`${reading.kept} rows kept of ${reading.rows}, ${rows.count} there`);
  for (let row = 0; row < rows.count; row++) {
    if (!Number.isFinite(rows.values[row])) throw new Wrong(`a rating of ${rows.values[row]}`);
    if (rows.users[row]! >= rows.userIds.size() || rows.items[row]! >= rows.itemIds.size()) throw new Wrong('an id that is not there');
    if (rows.lines[row]! < 1) throw new Wrong(`line ${rows.lines[row]}`);
  }
  const { ids } = rows.userIds.finish();
  if (new Set(ids).size !== ids.length) throw new Wrong('one id twice');
};

const targetOf = (files: readonly string[], lines: boolean) => async (): Promise<Target> => {
  const examples = files.map((file) => readFileSync(join(FIXTURES, file)));
  const folder = mkdtempSync(join(tmpdir(), 'metafleet-fuzz-'));
  const path = join(folder, 'any.data');
  const make = (source: Random): Uint8Array => {
    const one = (): Buffer => examples[source.integer(examples.length)]!;
    const example = one();
    if (!lines || source.uniform() < 0.3) return mutateBytes(example, one(), source);
    return Buffer.from(
      mutateLines(example.toString('latin1').split('\n'), PIECES, source).join('\n'),
      source.uniform() < 0.5 ? 'latin1' : 'utf8',
    );
  };
  return {
    make,
    check: async (input) => {
      writeFileSync(path, input);
      try {
        await checkRead(path);
        return true;
      } catch (error) {
        if (error instanceof Wrong) throw error;
        checkRefusal(error, 'DATA');
        return false;
      } finally {
        checkPrototypes();
      }
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
};

export const READERS = {
  delimited: targetOf(
    [
      ...[
        'epinions.txt',
        'RAW_interactions.csv',
        'BX-Book-Ratings.csv',
        'toy.inter',
        'names-utf8.csv',
        'gowalla.txt',
        'steam-200k.csv',
        'pairs.csv',
      ],
      ...['flixster.txt', 'UserBehavior.csv', 'lastfm-1k.tsv', 'ml-1m/ratings.dat'],
    ],
    true,
  ),
  json: targetOf(
    [
      ...['amazon-2018.json', 'google-local.json', 'reviews.json', 'australian_users_items.json', 'steam_reviews.json', 'goodreads.json'],
      'yelp_academic_dataset_review.json',
    ],
    true,
  ),
  blocks: targetOf(['combined_data_1.txt', 'kdd-cup-2011.txt'], true),
  reviews: targetOf(['finefoods.txt', 'ratebeer.txt'], true),
  lists: targetOf(['libsvm.txt', 'libfm.txt', 'lightgcn.txt', 'citeulike.dat'], true),
  matrix: targetOf(['jester-data.csv', 'matrix.csv'], true),
  market: targetOf(['ratings.mtx'], true),
  containers: targetOf(['packed.csv.gz', 'packed.csv.zst', 'packed.zip'], false),
  parquet: targetOf(['ratings.parquet'], false),
  arrow: targetOf(['ratings.arrow', 'ratings-stream.arrow', 'ratings-lz4.feather', 'ratings-zstd.feather'], false),
} as const;
