import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { namesOf } from '../../../src/inference/ids.js';
import { knownRatings, readGivenRatings, readPairs, readTitles } from '../../../src/inference/tables/tables.js';
import { datasetOf } from '../../support/inference/dataset.js';

const file = (text: string | Buffer): string => {
  const folder = mkdtempSync(join(tmpdir(), 'metafleet-tables-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'table.txt');
  writeFileSync(path, text);
  return path;
};

const pairsOf = async (text: string) => {
  const pairs = [];
  for await (const { user, item } of readPairs(file(text))) pairs.push(`${user} ${item}`);
  return pairs;
};

describe('readPairs', () => {
  it('takes the columns that a header names, else the first two, whatever the delimiter', async () => {
    expect(await pairsOf('\uFEFFmovieId,userId\r\n10,1\r\n\r\n20,2\r\n')).toEqual(['1 10', '2 20']);
    expect(await pairsOf('1\t10\n2\t20')).toEqual(['1 10', '2 20']);
    expect(await pairsOf('user_id:token,item_id:token,rating:float\nü,x y,3\n')).toEqual(['ü x y']);
    expect(await pairsOf('"a,b",c\n')).toEqual(['a,b c']);
    expect(await pairsOf('')).toEqual([]);
  });

  it('names the line with too few fields, and a file that is not there', async () => {
    await expect(pairsOf('1,2\n3\n')).rejects.toThrow(/table\.txt:2: expected at least 2 fields, found 1$/);
    await expect(readPairs('/nowhere/pairs.csv').next()).rejects.toThrow(
      '/nowhere/pairs.csv: expected a file that can be read, found ENOENT',
    );
  });
});

describe('readGivenRatings', () => {
  it('reads items and ratings, and names the line without a number', async () => {
    expect(await readGivenRatings(file('item,rating\na,4.5\nb,1\n'))).toEqual([
      { item: 'a', rating: 4.5 },
      { item: 'b', rating: 1 },
    ]);
    await expect(readGivenRatings(file('a,4\nb,\n'))).rejects.toThrow(/table\.txt:2: expected a numeric rating, found ""$/);
  });
});

describe('readTitles', () => {
  it("reads MovieLens's files of films", async () => {
    const csv = 'movieId,title,genres\n1,Toy Story (1995),Adventure|Animation\n11,"American President, The (1995)",Comedy\n';
    expect(await readTitles(file(csv))).toEqual(
      new Map([
        ['1', 'Toy Story (1995)'],
        ['11', 'American President, The (1995)'],
      ]),
    );
    expect(await readTitles(file('1::Toy Story (1995)::Animation\n'))).toEqual(new Map([['1', 'Toy Story (1995)']]));
  });
});

describe('knownRatings', () => {
  const dataset = { ...datasetOf(3, [[[0, 3]]]), itemIds: ['a', 'b', 'c'] };
  const known = (...given: readonly (readonly [string, number])[]) =>
    knownRatings(
      given.map(([item, rating]) => ({ item, rating })),
      namesOf(dataset).items,
      dataset.scale,
      'mine',
    );

  it('has dense items, and counts those that the data do not have', () => {
    const { ratings, unknown } = known(['c', 5], ['z', 1], ['a', 2]);
    expect([[...ratings.items], [...ratings.values], unknown]).toEqual([[2, 0], [5, 2], 1]);
  });

  it.each([
    [[['c', 6]], 'mine, item c: expected a rating from 1 to 5, found 6'],
    [
      [
        ['c', 5],
        ['c', 4],
      ],
      'mine, item c: expected one rating of an item, found a second one',
    ],
    [[['z', 5]], 'mine: expected ratings of items that the data have, found 1 ratings of other items'],
    [[], 'mine: expected ratings of items that the data have, found no rating'],
  ] as const)('refuses %j', (given, message) => {
    expect(() => known(...given)).toThrow(message);
  });
});
