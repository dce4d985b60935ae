import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { coreOf } from '../../../src/data/policies/core.js';
import { allTriples, folderOf, load, messageFrom } from '../../support/data/data-files.js';

const loaded = async (text: string, options: Parameters<typeof load>[1]) => {
  const notes: string[] = [];
  const path = join(await folderOf({ 'a.csv': text }), 'a.csv');
  const dataset = await load(path, { ...options, onProgress: (note) => void notes.push(note.replace(`${path}: `, '')) });
  return { dataset, notes, rows: allTriples(dataset).map(String).sort() };
};

describe('duplicates', () => {
  const text = '1,10,4,978300900\n1,20,3,978300000\n1,10,2,978300100\n2,10,5,978300000\n1,10,3,978300500\n';
  const cases = { first: 2, last: 4, mean: 3, sum: 9, max: 4 } as const;
  for (const [duplicates, value] of Object.entries(cases)) {
    it(`${duplicates} makes one rating of several, and says how many there were`, async () => {
      const { rows, notes } = await loaded(text, { policies: { duplicates: duplicates as keyof typeof cases } });
      expect(rows).toEqual([`1,10,${value}`, '1,20,3', '2,10,5']);
      expect(notes).toEqual([`2 duplicates merged (duplicates: ${duplicates})`]);
    });
  }

  it('go by their order in the file where there are no times', async () => {
    const untimed = '1,10,4\n1,10,2\n1,10,3\n';
    expect((await loaded(untimed, { policies: { duplicates: 'first' } })).rows).toEqual(['1,10,4']);
    expect((await loaded(untimed, { policies: { duplicates: 'last' } })).rows).toEqual(['1,10,3']);
  });

  it('are refused with the key that takes them', async () => {
    expect(await messageFrom(loaded(text, {}))).toContain('(duplicates: first, last, mean, sum or max takes them)');
  });
});

describe('too few ratings', () => {
  it('of items go first, once, and then those of users', async () => {
    const text = '1,10,4\n1,20,3\n2,10,5\n3,10,1\n3,30,2\n3,20,2\n';
    const { dataset, rows, notes } = await loaded(text, { policies: { minItem: 2, minUser: 2 } });
    expect(rows).toEqual(['1,10,4', '1,20,3', '3,10,1', '3,20,2']);
    expect(dataset).toMatchObject({ users: 2, items: 2, userIds: ['1', '3'], itemIds: ['10', '20'] });
    expect(notes).toEqual(['left out for too few ratings: 1 users, 1 items, 2 ratings (minUser, minItem, core)']);
  });

  it('fall out of a core again and again, until all have enough', () => {
    // A path of ratings, whose ends fall away one after the other, and a square that stays.
    const pairs: [number, number][] = [[0, 0], [1, 0], [1, 1], [2, 1], [3, 2], [3, 3], [4, 2], [4, 3]]; // biome-ignore format: pairs
    const [users, items] = [0, 1].map((at) => Uint32Array.from(pairs, (pair) => pair[at]!));
    const core = coreOf(users!, items!, { users: 5, items: 4 }, { core: 2 });
    expect([...core.keep]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    expect(core).toMatchObject({ users: 3, items: 2, rows: 4 });
  });

  it('that leave nothing are an error that names the keys', async () => {
    expect(await messageFrom(loaded('1,10,4\n', { policies: { core: 5 } }))).toContain('none (minUser, minItem, core)');
  });
});

describe('values', () => {
  it('that mean not rated are left out, kept, or given a rating', async () => {
    const text = 'user_id,anime_id,rating\n1,20,-1\n1,24,8\n2,20,6\n';
    const { rows, notes } = await loaded(text, {});
    expect(rows).toEqual(['1,24,8', '2,20,6']);
    expect(notes).toEqual(['1 of 3 rows of -1 or without a rating: left out (unrated)']);
    expect((await loaded(text, { policies: { unrated: [] } })).rows).toContain('1,20,-1');
    expect((await loaded(text, { policies: { unratedAs: 5 } })).rows).toContain('1,20,5');
    expect((await loaded('1,20,0\n1,24,8\n', { policies: { unrated: [0] } })).rows).toEqual(['1,24,8']);
  });

  it('outside of the scale are clipped to it, step by step', async () => {
    const scale = { lowest: 1, highest: 5, step: 0.5 };
    const { rows, notes } = await loaded('1,10,9\n1,20,3.3\n2,10,-2\n', { scale, policies: { outside: 'clip' } });
    expect(rows).toEqual(['1,10,5', '1,20,3.5', '2,10,1']);
    expect(notes).toEqual(['3 ratings clipped to the scale (outside)']);
  });

  it('from a threshold on are implicit feedback', async () => {
    const { dataset, rows, notes } = await loaded('1,10,4\n1,20,3\n2,10,5\n', { policies: { binarize: 4 } });
    expect(rows).toEqual(['1,10,1', '2,10,1']);
    expect(dataset.feedback).toBe('implicit');
    expect(notes).toEqual(['1 ratings below 4 left out (binarize)']);
  });

  it('are stretched to another scale', async () => {
    const { dataset, rows } = await loaded('1,10,10\n1,20,1\n2,10,5.5\n', {
      scale: { lowest: 1, highest: 10 },
      policies: { rescale: { lowest: 0, highest: 1 } },
    });
    expect(rows).toEqual(['1,10,1', '1,20,0', '2,10,0.5']);
    expect(dataset.scale).toEqual({ lowest: 0, highest: 1, step: 0 });
  });

  it('of a local copy follow the set that its folder is named after', async () => {
    const folder = await folderOf({ 'book-crossing/all.tsv': '1\t10\t0\n1\t20\t7\n' });
    const dataset = await load(join(folder, 'book-crossing', 'all.tsv'));
    expect(allTriples(dataset)).toEqual([['1', '20', 7]]);
    expect(dataset.scale).toEqual({ lowest: 1, highest: 10, step: 1 });
  });
});
