import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSideFile, type SideFile, type SideRow, sideFilesAmong } from '../../../src/data/formats/side-files.js';
import { folderOf, messageFrom } from '../../support/data/data-files.js';

const FIXTURES = join(import.meta.dirname, 'fixtures');

const read = async (folder: string): Promise<Record<SideFile['kind'], SideRow[]>> => {
  const files = sideFilesAmong(readdirSync(folder), (name) => join(folder, name));
  const rows: Record<SideFile['kind'], SideRow[]> = { items: [], users: [] };
  for (const file of files) await readSideFile(file, (row) => void rows[file.kind].push(row));
  return rows;
};

it('the items and users of MovieLens have titles and attributes, by the ids of the ratings', async () => {
  const old = await read(join(FIXTURES, 'ml-100k'));
  expect(old.items.map(({ id, columns }) => [id, columns.get('title'), columns.get('genre:Action')])).toEqual([
    ['10', 'Film 10 (1995)', '1'],
    ['20', 'Film 20 (1995)', '1'],
    ['30', 'Film 30 (1995)', '1'],
  ]);
  expect(old.users[1]).toEqual({
    id: '2',
    columns: new Map(Object.entries({ age: '53', gender: 'F', occupation: 'other', zip: '94043' })),
  });
  const million = await read(join(FIXTURES, 'ml-1m'));
  expect(million.items[0]!.columns).toEqual(new Map(Object.entries({ title: 'Café (1995)', genres: 'Comedy|Drama' })));
  const large = await read(join(FIXTURES, 'ml-25m'));
  expect(large.items[0]).toEqual({
    id: '10',
    columns: new Map(Object.entries({ title: 'Harbour, The (1996)', genres: 'Drama|Romance' })),
  });
});

it('files of objects are read, lists as texts', async () => {
  const folder = await folderOf({
    'meta_Books.json': "{'asin': 'B1', 'title': 'Salt', 'categories': ['a', 'b']}\n{\"asin\": \"B2\", \"price\": 3}\n",
  });
  const { items } = await read(folder);
  expect(items).toEqual([
    { id: 'B1', columns: new Map(Object.entries({ title: 'Salt', categories: 'a|b' })) },
    { id: 'B2', columns: new Map([['price', '3']]) },
  ]);
});

it('a header without an id is an error with its place', async () => {
  const folder = await folderOf({ 'movies.csv': 'what,when\n1,2\n' });
  expect(await messageFrom(read(folder))).toBe(
    `${join(folder, 'movies.csv')}:1: expected a header with the id of an item, found what, when`,
  );
});
