import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../src/data/dataset.js';
import type { Feature } from '../../../src/data/features/feature.js';
import { folderOf, load, messageFrom } from '../../support/data/data-files.js';

/** Words, or numbers, of each user or item. */
const shown = (feature: Feature): unknown[] => {
  const { values } = feature;
  if (feature.kind === 'dense') {
    const { width } = feature;
    return Array.from({ length: values.length / width }, (_, at) => [...values.subarray(at * width, (at + 1) * width)]);
  }
  const { offsets, vocabulary } = feature;
  return Array.from({ length: offsets.length - 1 }, (_, at) =>
    [...values.subarray(offsets[at], offsets[at + 1])].map((word) => vocabulary[word]).join('+'),
  );
};
const byName = (features: Dataset['itemFeatures'] = []) => Object.fromEntries(features.map((feature) => [feature.name, shown(feature)]));

const RATINGS = { 'ratings.dat': '7::30::5::978300760\n7::10::3::978302109\n9::20::4::978301968\n' };
const MOVIES = { 'movies.dat': '10::Heat (1995)::Action|Crime\n30::Clueless (1995)::Comedy\n99::Other::Drama\n' };

describe('files of users and items', () => {
  it('in the form of MovieLens 1M give titles, genres, and what is known of users, by dense id', async () => {
    const users = { 'users.dat': '7::F::1::10::48067\n9::M::56::16::70072\n' };
    const dataset = await load(await folderOf({ ...RATINGS, ...MOVIES, ...users }));
    expect(dataset.itemIds).toEqual(['10', '20', '30']);
    expect(dataset.itemTitles).toEqual(['Heat (1995)', '', 'Clueless (1995)']);
    expect(byName(dataset.itemFeatures)).toEqual({ genres: ['Action+Crime', '', 'Comedy'] });
    expect(byName(dataset.userFeatures)).toEqual({
      gender: ['F', 'M'],
      age: ['1', '56'],
      occupation: ['10', '16'],
      zip: ['48067', '70072'],
    });
  });

  it('with flags give one feature', async () => {
    const flags = (...on: number[]) => Array.from({ length: 19 }, (_, at) => Number(on.includes(at))).join('|');
    const files = { 'u.data': '1\t2\t3\t881250949\n', 'u.item': `2|GoldenEye (1995)|01-Jan-1995||http://x|${flags(1, 2, 16)}\n` };
    const { itemFeatures, itemTitles } = await load(await folderOf(files));
    expect(itemTitles).toEqual(['GoldenEye (1995)']);
    expect(byName(itemFeatures)['genres']).toEqual(['Action+Adventure+Thriller']);
  });

  it('with types have the form that the type says', async () => {
    const dataset = await load(
      await folderOf({
        'x.inter': 'user_id:token\titem_id:token\trating:float\nu\ta\t1\nu\tb\t2\nv\ta\t2\n',
        'x.item': 'item_id:token\tclass:token_seq\tprice:float\tplace:float_seq\tsize:token\na\tbig red\t3\t1 2\t10.5\nb\tred\t\t4\t7\n',
      }),
    );
    expect(byName(dataset.itemFeatures)).toEqual({
      class: ['big+red', 'red'],
      price: [[3], [Number.NaN]],
      place: [
        [1, 2],
        [4, Number.NaN],
      ],
      size: ['10.5', '7'],
    });
  });

  it('may be named, and need a header then', async () => {
    const folder = await folderOf({
      'r/ratings.csv': 'userId,movieId,rating\n1,5,2\n2,6,3\n',
      'mine.csv': 'item_id,Mood,length\n5,"calm, warm",1.5\n6,loud,2\n5,blue,\n',
      'bare.csv': '5,calm\n',
      'people.csv': 'user,town\n2,Rome\n',
    });
    const sideFiles = [`${folder}/mine.csv`, `${folder}/people.csv`];
    const dataset = await load(`${folder}/r`, { sideFiles });
    expect(byName(dataset.itemFeatures)).toEqual({ Mood: ['calm, warm+blue', 'loud'], length: [[1.5], [2]] });
    expect(byName(dataset.userFeatures)).toEqual({ town: ['', 'Rome'] });
    expect(byName((await load(`${folder}/r`, { sideFiles, features: ['length'] })).itemFeatures)).toEqual({ length: [[1.5], [2]] });
    expect((await load(`${folder}/r`, { sideFiles, features: 'none' })).itemFeatures).toBeUndefined();
    expect(await messageFrom(load(`${folder}/r`, { sideFiles: [`${folder}/bare.csv`] }))).toContain(
      'bare.csv:1: expected a header with the id of an item',
    );
    expect(await messageFrom(load(`${folder}/r`, { sideFiles, features: ['genres'] }))).toBe(
      `${folder}/r: expected a feature genres (key features), found Mood, length, town`,
    );
  });

  it('leave out a column that tells all items apart, unless it is asked for', async () => {
    const items = Array.from({ length: 40 }, (_, item) => `${item},Film ${item},tt${item},${1990 + (item % 3)}`);
    const folder = await folderOf({
      'ratings.csv': `userId,movieId,rating\n${items.map((_, item) => `1,${item},3`).join('\n')}\n`,
      'movies.csv': `movieId,title,imdbId,year\n${items.join('\n')}\n`,
    });
    const names = (dataset: Dataset) => dataset.itemFeatures?.map(({ name }) => name);
    expect(names(await load(folder))).toEqual(['year']);
    expect(names(await load(folder, { features: ['imdbId'] }))).toEqual(['imdbId']);
  });

  it('follow their users and items through a split that leaves some out', async () => {
    const users = Array.from({ length: 30 }, (_, user) => user);
    const folder = await folderOf({
      'ratings.csv': `userId,movieId,rating\n${users.flatMap((user) => users.map((item) => `u${user},i${(user + item) % 37},3`)).join('\n')}\n`,
      'movies.csv': `movieId,title,code\n${Array.from({ length: 30 }, (_, item) => `i${item},Film ${item},c${item % 5}`).join('\n')}\n`,
      'users.csv': `userId,code\n${users.map((user) => `u${user},d${user % 4}`).join('\n')}\n`,
    });
    const dataset = await load(folder, { split: 'cold-users', splitting: { coldItems: 0.2, records: 4, describedOnly: true } });
    expect(dataset.items).toBeLessThanOrEqual(30);
    expect(dataset.users).toBeGreaterThan(10);
    const number = (id: string) => Number(id.slice(1));
    expect(dataset.itemTitles).toEqual(dataset.itemIds!.map((id) => `Film ${number(id)}`));
    expect(shown(dataset.itemFeatures![0]!)).toEqual(dataset.itemIds!.map((id) => `c${number(id) % 5}`));
    expect(shown(dataset.userFeatures![0]!)).toEqual(dataset.userIds!.map((id) => `d${number(id) % 4}`));
  });
});
