import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { allTriples, folderOf, load, messageFrom } from '../../support/data/data-files.js';

const three: [string, string, number][] = [
  ['1', '10', 4],
  ['1', '20', 3.5],
  ['2', '10', 1],
];
const sorted = (rows: [string, string, number][]) => rows.map(String).sort();

it('reads a file once, from end to end, a mebibyte at a time at most', async () => {
  const note = 'x'.repeat(300);
  const folder = await folderOf({ 'a.csv': Array.from({ length: 10_000 }, (_, row) => `${row},${row % 99},4,${note}\n`).join('') });
  const path = join(folder, 'a.csv');
  const { size } = await stat(path);
  const handle = await open(path);
  await handle.close();
  const read = vi.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'read');
  onTestFinished(() => read.mockRestore());
  expect((await load(path)).users).toBe(10_000);
  const results = await Promise.all(read.mock.results.map(({ value }) => value as Promise<{ bytesRead: number }>));
  // The first four bytes say that it is no zip.
  expect(results.reduce((sum, { bytesRead }) => sum + bytesRead, 0)).toBe(size + 4);
  expect(results.length).toBeLessThanOrEqual(size / 2 ** 20 + 3);
});

describe('formats', () => {
  const formats: Record<string, string> = {
    'ratings.dat': '1::10::4::978300760\n1::20::3.5::978300761\n2::10::1::978300762\n',
    'ratings.csv': 'userId,movieId,rating,timestamp\r\n1,10,4.0,978300760\r\n1,20,3.5,978300761\r\n2,10,1,978300762\r\n',
    'u.data': '1\t10\t4\t881250949\n1\t20\t3.5\t881250949\n2\t10\t1\t881250949\n',
    'ratings.tsv': '1\t10\t4.0\n1\t20\t3.5\n2\t10\t1.0',
    'user_ratedmovies.dat': 'userID\tmovieID\trating\tdate_day\n1\t10\t4\t29\n1\t20\t3.5\t29\n2\t10\t1\t29\n',
    'BX-Book-Ratings.csv': '"User-ID";"ISBN";"Book-Rating"\n"1";"10";"4"\n"1";"20";"3.5"\n"2";"10";"1"\n',
    'pipes.txt': '1|10|4\n1|20|3.5\n2|10|1\n',
    'reordered.csv': 'stars,when,isbn,reviewer\n4,0,10,1\n3.5,0,20,1\n1,0,10,2\n',
  };
  for (const [name, content] of Object.entries(formats)) {
    it(`reads ${name} without its format`, async () => {
      const folder = await folderOf({ [name]: content });
      expect(sorted(allTriples(await load(join(folder, name))))).toEqual(sorted(three));
    });
  }

  it('finds the rating file of an unzipped MovieLens folder among the others', async () => {
    const folder = await folderOf({
      'ratings.dat': formats['ratings.dat']!,
      'movies.dat': '1::Toy Story::x\n',
      'users.dat': '1::F\n',
    });
    expect(allTriples(await load(folder))).toHaveLength(3);
  });

  it('tolerates a byte-order mark, CRLF and blank lines at the end', async () => {
    const folder = await folderOf({ 'a.csv': '\uFEFF1,10,4\r\n1,20,3.5\r\n2,10,1\r\n\r\n\n' });
    expect(sorted(allTriples(await load(join(folder, 'a.csv'))))).toEqual(sorted(three));
  });

  it('takes columns by name', async () => {
    const folder = await folderOf({ 'a.csv': 'who,what,when,how\n1,10,5,4\n1,20,5,3.5\n2,10,5,1\n' });
    const columns = { user: 'who', item: 'what', rating: 'how' };
    expect(sorted(allTriples(await load(join(folder, 'a.csv'), { columns })))).toEqual(sorted(three));
  });

  it('takes columns by number from 1, over a header and a delimiter of its own', async () => {
    const folder = await folderOf({ 'a.txt': 'rating~user~item\n4~1~10\n3.5~1~20\n1~2~10\n' });
    const options = { columns: { user: 2, item: 3, rating: 1 }, delimiter: '~' };
    expect(sorted(allTriples(await load(join(folder, 'a.txt'), options)))).toEqual(sorted(three));
  });

  it('keeps delimiters and escaped quotes inside quoted fields', async () => {
    const folder = await folderOf({ 'a.csv': '"Smith, J","say ""hi""",4\n"x","back\\"slash",3\n' });
    const dataset = await load(join(folder, 'a.csv'));
    expect(dataset.userIds).toEqual(['Smith, J', 'x']);
    expect(dataset.itemIds).toEqual(['say "hi"', 'back"slash']);
  });

  it('reads lines that cross the chunks in which a file is read', async () => {
    const lines = Array.from({ length: 300_000 }, (_, i) => `${i % 1000}\t${Math.floor(i / 1000)}\t${(i % 5) + 1}`);
    const folder = await folderOf({ 'a.tsv': lines.join('\n') });
    const dataset = await load(join(folder, 'a.tsv'));
    expect([dataset.users, dataset.items, allTriples(dataset).length]).toEqual([1000, 300, 300_000]);
    expect(new Set(allTriples(dataset).map(String)).size).toBe(300_000);
    expect(allTriples(dataset).every(([user, item, value]) => value === ((Number(item) * 1000 + Number(user)) % 5) + 1)).toBe(true);
  });
});

describe('bad lines are refused with file, line, what was expected and what was found', () => {
  const cases: [what: string, content: string, line: string, expected: string, found: string][] = [
    ['a missing field', '1,10,4\n1,20\n', ':2', '3 fields', '2'],
    ['a field too many', '1,10,4\n1,20,3,9\n', ':2', '3 fields', '4'],
    ['a rating that is a word', '1,10,4\n1,20,good\n', ':2', 'a numeric rating', '"good"'],
    ['NaN', '1,10,4\n1,20,NaN\n', ':2', 'a numeric rating', '"NaN"'],
    ['Infinity', '1,10,4\n1,20,Infinity\n', ':2', 'a numeric rating', '"Infinity"'],
    ['a hexadecimal rating', '1,10,4\n1,20,0x3\n', ':2', 'a numeric rating', '"0x3"'],
    ['an empty rating', '1,10,4\n1,20,\n', ':2', 'a numeric rating', '""'],
    ['an empty user', '1,10,4\n,20,3\n', ':2', 'a user id', 'an empty field (empty user)'],
    ['an empty item', '1,10,4\n1, ,3\n', ':2', 'an item id', 'an empty field (empty item)'],
    ['an empty line before the end', '1,10,4\n\n1,20,3\n', ':2', '3 fields', 'an empty line'],
    ['a duplicate', '1,10,4\n2,10,3\n1,10,5\n', ':3', 'one rating per user and item', 'a.csv:1'],
    ['an empty file', '', '', 'at least one rating', 'an empty file'],
    ['a file of blank lines', '\n\n', '', 'at least one rating', 'an empty file'],
    ['a header alone', 'userId,movieId,rating\n', '', 'at least one rating', 'a header and no rating'],
    ['a header without items', 'userId,rating,x\n1,2,3\n', ':1', 'a header with a user, an item and a rating column', 'userId, rating, x'],
    ['a line of one field', 'hello\n', ':1', 'at least 3 fields', '1'],
  ];
  for (const [what, content, line, expected, found] of cases) {
    it(what, async () => {
      const path = join(await folderOf({ 'a.csv': content }), 'a.csv');
      const message = await messageFrom(load(path));
      expect(message.startsWith(`${path}${line}: expected `)).toBe(true);
      expect(message).toContain(expected);
      expect(message.split(', found ').at(-1)).toContain(found);
      expect(message).not.toContain('\n');
    });
  }

  it('raises errors with the code DATA', async () => {
    const path = join(await folderOf({ 'a.csv': '' }), 'a.csv');
    await expect(load(path)).rejects.toSatisfy((error) => isMetafleetError(error, 'DATA'));
  });

  it('a rating outside the declared scale, or between its steps', async () => {
    const path = join(await folderOf({ 'a.csv': '1,10,4\n1,20,5.5\n' }), 'a.csv');
    const scale = { lowest: 1, highest: 5 };
    expect(await messageFrom(load(path, { scale }))).toBe(
      `${path}:2: expected a rating of 1 to 5, found 5.5 (outside: clip takes it, unrated: [5.5] leaves it out)`,
    );
    const between = join(await folderOf({ 'a.csv': '1,10,4\n1,20,3.3\n' }), 'a.csv');
    expect(await messageFrom(load(between, { scale: { ...scale, step: 0.5 } }))).toBe(
      `${between}:2: expected a rating of 1 to 5 in steps of 0.5, found 3.3 (outside: clip takes it, unrated: [3.3] leaves it out)`,
    );
  });

  it('a header without the named column, and a column number past the end', async () => {
    const path = join(await folderOf({ 'a.csv': 'who,what,how\n1,10,5\n' }), 'a.csv');
    expect(await messageFrom(load(path, { columns: { user: 'who', item: 'what', rating: 'stars' } }))).toBe(
      `${path}:1: expected a header with the rating column "stars", found who, what, how`,
    );
    expect(await messageFrom(load(path, { columns: { user: 1, item: 2, rating: 4 } }))).toBe(
      `${path}:1: expected a rating column from 1 to 3, found 4`,
    );
  });

  it('an id past the declared number of items or users (id overflow)', async () => {
    const path = join(await folderOf({ 'a.tsv': '0\t0\t4\n0\t105096\t3\n' }), 'a.tsv');
    expect(await messageFrom(load(path, { declared: { items: 105_096 } }))).toBe(
      `${path}:2: expected an item id from 0 to 105095, found "105096" (item id overflow)`,
    );
    expect(await messageFrom(load(path, { declared: { users: 0 } }))).toContain('(user id overflow)');
  });

  it('a line without an end', async () => {
    const path = join(await folderOf({ 'a.bin': new Uint8Array(2_200_000).fill(65) }), 'a.bin');
    expect(await messageFrom(load(path))).toBe(`${path}:1: expected lines of less than 1 MiB, found a longer one`);
  });
});
