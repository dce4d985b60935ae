import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allTriples, folderOf, load, messageFrom, sizes, triples } from '../support/data/data-files.js';

const given = { 'train.tsv': '0\t2\t5\n1\t0\t3\n0\t0\t4\n', 'valid.tsv': '0\t1\t2\n', 'test.tsv': '1\t3\t1\n' };

describe('a folder of train, valid and test files', () => {
  it('keeps its split, its ids and the order of its rows within a user', async () => {
    const folder = await folderOf({ ...given, 'items.tsv': 'not\ta rating\n', 'README.md': '# hello' });
    const dataset = await load(folder);
    expect(triples(dataset, 'train')).toEqual([
      ['0', '2', 5],
      ['0', '0', 4],
      ['1', '0', 3],
    ]);
    expect(triples(dataset, 'valid')).toEqual([['0', '1', 2]]);
    expect(triples(dataset, 'test')).toEqual([['1', '3', 1]]);
    expect(dataset).toMatchObject({ users: 2, items: 4, userIds: ['0', '1'], itemIds: ['0', '1', '2', '3'] });
  });

  it('counts items that occur in valid or test only', async () => {
    const dataset = await load(await folderOf(given));
    expect(dataset.items).toBe(4);
    expect(dataset.parts.train.items.includes(3)).toBe(false);
  });

  it('lies in shared memory', async () => {
    const { parts } = await load(await folderOf(given));
    for (const column of Object.values(parts).flatMap((part) => Object.values(part))) {
      expect(column.buffer).toBeInstanceOf(SharedArrayBuffer);
    }
  });

  it('is pooled and split anew when a random split is asked for', async () => {
    const dataset = await load(await folderOf(given), { split: 'random' });
    expect(sizes(dataset)).toEqual([3, 0, 2]);
    expect(allTriples(dataset)).toHaveLength(5);
  });

  it('without a train file is refused, and pooled on request', async () => {
    const { 'train.tsv': _, ...rest } = given;
    const folder = await folderOf(rest);
    expect(await messageFrom(load(folder))).toContain(`${folder}: expected train, valid and test files, found no train file`);
    expect(allTriples(await load(folder, { split: 'random' }))).toHaveLength(2);
  });

  it('with a user without training ratings names the user and the line (empty user)', async () => {
    const folder = await folderOf({ ...given, 'test.tsv': '1\t3\t1\n7\t3\t1\n' });
    expect(await messageFrom(load(folder))).toBe(
      `${join(folder, 'test.tsv')}:2: expected a training rating for every user, found none for user 7 (empty user)`,
    );
  });

  it('with a declared user that never occurs names the user (empty user)', async () => {
    const folder = await folderOf(given);
    expect(await messageFrom(load(folder, { declared: { users: 3, items: 9 } }))).toBe(
      `${folder}: expected a training rating for every user, found none for user 2 (empty user)`,
    );
    expect((await load(folder, { declared: { items: 9 } })).items).toBe(9);
  });

  it('with one pair in two files names both lines', async () => {
    const folder = await folderOf({ ...given, 'test.tsv': '1\t3\t1\n0\t2\t5\n' });
    const message = await messageFrom(load(folder));
    expect(message).toContain(`${join(folder, 'test.tsv')}:2: expected one rating per user and item`);
    expect(message).toContain(`user 0 and item 2 again, first at ${join(folder, 'train.tsv')}:1`);
  });

  it('is found by prefix where several sets share a folder, as in MetaMF’s repository', async () => {
    const files = Object.fromEntries(
      ['ciao', 'db'].flatMap((set) => Object.entries(given).map(([name, text]) => [`${set}.${name.replace('tsv', 'rating')}`, text])),
    );
    const folder = await folderOf({ ...files, 'ciao.userlist': 'x' });
    expect(await load(join(folder, 'ciao'))).toMatchObject({
      name: 'ciao',
      users: 2,
      items: 4,
      scale: { lowest: 1, highest: 5, step: 1 },
    });
    expect(await messageFrom(load(folder))).toContain('several: name one of');
  });
});

describe('a path', () => {
  it('has the scale its data spans unless one is declared', async () => {
    const folder = await folderOf({ 'a.csv': '1,1,0.5\n1,2,4\n', 'b.csv': '1,1,2\n1,2,7\n', 'c.csv': '1,1,0.123\n1,2,7\n' });
    expect((await load(join(folder, 'a.csv'))).scale).toEqual({ lowest: 0.5, highest: 4, step: 0.5 });
    expect((await load(join(folder, 'b.csv'))).scale).toEqual({ lowest: 2, highest: 7, step: 1 });
    expect((await load(join(folder, 'c.csv'))).scale).toEqual({ lowest: 0.123, highest: 7, step: 0 });
    const scale = { lowest: 0, highest: 10, step: 0.5 };
    expect((await load(join(folder, 'a.csv'), { scale })).scale).toEqual(scale);
    expect(await messageFrom(load(join(folder, 'a.csv'), { scale: { lowest: 5, highest: 1 } }))).toContain(
      'scale: expected lowest < highest',
    );
  });

  it('has the catalogue’s scale when its folder bears the name of a set', async () => {
    const folder = await folderOf({ 'ml-100k/u.data': '1\t1\t2\t0\n', 'ml-10M100K/ratings.dat': '1::1::2.5::0\n' });
    expect(await load(join(folder, 'ml-100k'))).toMatchObject({ name: 'ml-100k', scale: { lowest: 1, highest: 5, step: 1 } });
    expect((await load(join(folder, 'ml-10M100K'))).scale).toEqual({ lowest: 0.5, highest: 5, step: 0.5 });
  });

  it('of one file has no given split', async () => {
    const path = join(await folderOf({ 'a.csv': '1,1,5\n' }), 'a.csv');
    expect(await messageFrom(load(path, { split: 'given' }))).toBe(
      `${path}: expected train, valid and test files (a given split), found one file of ratings`,
    );
  });

  it('that is not there is refused with the names there are', async () => {
    expect(await messageFrom(load('no-such-set'))).toMatch(
      /^dataset: expected one of ml-small, .*path of a file or folder, found no-such-set$/,
    );
  });

  it('of a folder without ratings is refused', async () => {
    expect(await messageFrom(load(await folderOf({ 'x.md': '' })))).toContain('expected train, valid and test files or one of ratings.dat');
  });

  it('needs an integer seed', async () => {
    expect(await messageFrom(load('x', { seed: 1.5 }))).toBe('seed: expected an integer, found 1.5');
  });
});

it('every rating of a file comes out once, in one part, whatever the ids and the seed', async () => {
  const id = fc.stringMatching(/^[a-z0-9]{1,4}$/);
  const rating = fc.integer({ min: 1, max: 5 });
  const ratings = fc.uniqueArray(fc.tuple(id, id, rating), {
    minLength: 1,
    maxLength: 60,
    selector: ([user, item]) => `${user},${item}`,
  });
  await fc.assert(
    fc.asyncProperty(ratings, fc.nat(), async (rows, seed) => {
      const folder = await folderOf({ 'a.csv': rows.map((row) => row.join(',')).join('\n') });
      const dataset = await load(join(folder, 'a.csv'), { seed });
      expect(allTriples(dataset).map(String).sort()).toEqual(rows.map(String).sort());
      const again = await load(join(folder, 'a.csv'), { seed });
      expect(triples(again, 'test')).toEqual(triples(dataset, 'test'));
      const { offsets } = dataset.parts.train;
      for (let user = 0; user < dataset.users; user++) expect(offsets[user + 1]!).toBeGreaterThan(offsets[user]!);
    }),
    { numRuns: 30 },
  );
});
