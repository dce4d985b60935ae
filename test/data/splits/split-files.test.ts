import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../src/data/dataset.js';
import { PARTS } from '../../../src/data/dataset.js';
import type { LoadOptions } from '../../../src/data/load.js';
import { SPLIT_FORMS, type SplitForm, writeSplit } from '../../../src/data/splits/split-files.js';
import { folderOf, load, messageFrom, temporaryFolder } from '../../support/data/data-files.js';

/** Everything but the name, so that what a split's files hold can be compared with what was split. */
const content = ({ name: _, parts, roles, ...rest }: Dataset) => ({
  ...rest,
  parts: PARTS.map((part) => {
    const { offsets, items, values, times } = parts[part];
    return [[...offsets], [...items], [...values], times === undefined ? null : [...times]];
  }),
  roles: roles && [[...roles.users], [...roles.items]],
});

const written = async (dataset: Dataset, form: SplitForm = 'tsv'): Promise<string> => {
  const folder = await temporaryFolder();
  await writeSplit(dataset, { source: 'x', split: { kind: 'random' }, seed: 1 }, folder, form);
  return folder;
};

const USERS = ['9', '10', '007', 'José', 'O"Brien', ' x ', 'a\tb', '-1', '9007199254740993'];
/** Ids of many kinds, ratings that float32 rounds, and times. */
const ratings = (timed: boolean): string => {
  const rows = Array.from({ length: 24 }, (_, user) =>
    Array.from({ length: 8 }, (_, i) => {
      const id = `"${(USERS[user] ?? `u${user}`).replaceAll('"', '""')}"`;
      return `${id},${(5 * user + 3 * i) % 29},${(1 + ((user + i) % 9) / 10).toFixed(1)}${timed ? `,${978300000 + ((user * 37 + i * 11) % 100)}` : ''}`;
    }),
  );
  return `user,item,rating${timed ? ',timestamp' : ''}\n${rows.flat().join('\n')}\n`;
};

const kinds: readonly [LoadOptions['split'], LoadOptions['splitting'], boolean][] = [
  ['random', {}, false],
  ['leave-last', {}, true],
  ['time', { valid: 0.2, test: 0.2 }, true],
  ['folds', { folds: 3, fold: 1 }, false],
  ['cold-users', { records: 5, support: 2 }, true],
  ['cold-users', { coldItems: 0.3 }, false],
  ['cold-items', {}, false],
];

describe('the files of a split', () => {
  it.each(kinds.flatMap((kind) => SPLIT_FORMS.map((form) => [...kind, form] as const)))(
    'of %s %j, timed: %s, as %s load to the very same parts, ids and roles',
    async (split, splitting = {}, timed, form) => {
      const source = join(await folderOf({ 'ratings.csv': ratings(timed) }), 'ratings.csv');
      const dataset = await load(source, { split, splitting, seed: 5 });
      expect(content(await load(await written(dataset, form)))).toEqual(content(dataset));
    },
  );

  it('of implicit and of synthetic sets do, too', async () => {
    const pairs = await load(join(await folderOf({ 'pairs.tsv': 'user\titem\n1\t5\n1\t6\n1\t8\n2\t6\n2\t9\n' }), 'pairs.tsv'));
    expect(pairs.feedback).toBe('implicit');
    expect(content(await load(await written(pairs)))).toEqual(content(pairs));
    const { bestMse: _, ...synthetic } = await load('synthetic:users=20,items=30,ratings=200');
    const { userIds, itemIds, ...again } = content(await load(await written(synthetic)));
    expect(again).toEqual(content(synthetic));
    expect([userIds![3], itemIds![29]]).toEqual(['3', '29']);
  });

  it('are what other libraries read: one header, original ids, one record a line', async () => {
    const source = join(await folderOf({ 'ratings.csv': 'user,item,rating,timestamp\nx,7,3.5,978300760\n' }), 'ratings.csv');
    const dataset = await load(source);
    expect(readFileSync(join(await written(dataset), 'train.tsv'), 'utf8')).toBe('user\titem\trating\ttimestamp\nx\t7\t3.5\t978300760\n');
    const recbole = readFileSync(join(await written(dataset, 'recbole'), 'ratings.train.inter'), 'utf8');
    expect(recbole.split('\n')[0]).toBe('user_id:token\titem_id:token\trating:float\ttimestamp:float');
  });

  it('that do not fit their split.json are refused', async () => {
    const folder = await written(await load('synthetic:users=20,items=30,ratings=200'));
    writeFileSync(join(folder, 'test.tsv'), 'user\titem\trating\n77\t1\t3\n');
    expect(await messageFrom(load(folder))).toBe(`${folder}: expected the users that split.json lists, found 77`);
    writeFileSync(join(folder, 'split.json'), '{"format":"metafleet split","version":2}');
    expect(await messageFrom(load(folder))).toContain(`${join(folder, 'split.json')}: expected what data split has written, found version`);
  });
});
