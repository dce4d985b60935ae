import { appendFile, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { countsOf, type Dataset, trainOffsetsOf } from '../../../src/data/dataset.js';
import { type LoadOptions, loadDataset } from '../../../src/data/load.js';
import { writeSplit } from '../../../src/data/splits/split-files.js';
import { readWhole } from '../../../src/data/store/columns.js';
import { type ImportOptions, type ImportSource, importFiles } from '../../../src/data/store/import-files.js';
import { importSource } from '../../../src/data/store/import-source.js';
import { readManifest } from '../../../src/data/store/manifest.js';
import { cutByUsers } from '../../../src/data/user-ranges.js';
import { dataDigest } from '../../../src/runs/folder/data-digest.js';
import { folderOf, messageFrom, temporaryFolder } from '../../support/data/data-files.js';

const newFolder = async (): Promise<string> => join(await temporaryFolder(), 'columns');

const imported = async (source: string, options: Partial<Parameters<typeof importSource>[1]> = {}): Promise<string> => {
  const out = await newFolder();
  await importSource(source, { out, threads: 1, ...options });
  return out;
};

/** Everything that a run sees of a dataset. */
const seenOf = (dataset: Dataset) => ({ ...dataset, userIds: dataset.userIds, itemIds: dataset.itemIds });

const bothLoads = async (source: string, options: Partial<LoadOptions> = {}): Promise<[unknown, unknown]> => {
  const folder = await imported(source);
  const load = async (from: string) => seenOf(await loadDataset(from, { split: 'auto', seed: 3, ...options }));
  return [await load(folder), await load(source)];
};

/** Rows whose users are spread over the file, and whose ids are sparse. */
const manyRows = (prefix: string, users = 300, perUser = 7): string => {
  const lines: string[] = [];
  for (let k = 0; k < perUser; k++) {
    for (let i = 0; i < users; i++) {
      const user = (i * 89 + k * 7) % users;
      lines.push(`${prefix}${10 ** 10 + user * 977},${(user * 31 + k * 17) % 400},${1 + ((user + k) % 9) / 2},${10 ** 9 + i}`);
    }
  }
  return `userId,movieId,rating,timestamp\n${lines.join('\n')}\n`;
};

describe('columns on disk', () => {
  it('give the dataset of the file that they come from: integers and texts as ids, other formats, a time', async () => {
    const sources = [
      { 'ratings.csv': manyRows('') },
      { 'ratings.csv': manyRows('ü-') },
      { 'ratings.csv': 'user,item,rating\n"a ""b""",1,5\n"a ""b""",2,4\n7,1,3\n' },
      { 'ratings.dat': '1::2::3.5::10\n2::2::4::\n1::9::1::30\n' },
    ];
    for (const files of sources) {
      const [name] = Object.keys(files) as [keyof typeof files];
      const [columns, file] = await bothLoads(join(await folderOf(files), name));
      expect(columns).toEqual(file);
    }
  });

  it('are split as the file is, in every way', async () => {
    const source = join(await folderOf({ 'ratings.csv': manyRows('') }), 'ratings.csv');
    for (const split of ['random', 'leave-last', 'time', 'folds', 'cold-users', 'cold-items'] as const) {
      const [columns, file] = await bothLoads(source, { split });
      expect(columns, split).toEqual(file);
    }
  });

  it('keep a given split, and pool it for another', async () => {
    const source = await folderOf({ 'train.tsv': '0\t2\t5\n1\t0\t3\n0\t0\t4\n', 'valid.tsv': '0\t1\t2\n', 'test.tsv': '1\t3\t1\n' });
    for (const split of ['auto', 'given', 'random'] as const) {
      const [columns, file] = await bothLoads(source, { split });
      expect({ ...(columns as Dataset), name: '' }).toEqual({ ...(file as Dataset), name: '' });
    }
  });

  it('give a synthetic set, with the error that no model beats', async () => {
    const [columns, drawn] = await bothLoads('synthetic:users=40,items=30');
    // It was imported with seed 1, and drawn with seed 3.
    const folder = await imported('synthetic:users=40,items=30', { seed: 3 });
    expect(seenOf(await loadDataset(folder, { split: 'auto', seed: 3 }))).toEqual(drawn);
    expect(columns).not.toEqual(drawn);
  });

  it('hold values and items in the smallest type that is exact', async () => {
    const folder = await imported(join(await folderOf({ 'ratings.csv': manyRows('') }), 'ratings.csv'));
    const { columns, ratingsOfCodes } = await readManifest(folder);
    expect(
      Object.values(columns)
        .map(({ file }) => file)
        .sort(),
    ).toEqual([...['item-ids.u32', 'items.u16', 'offsets.u32', 'times.u32', 'user-ids.f64', 'values.u8']]);
    expect(ratingsOfCodes).toEqual([1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]);
    expect(await readdir(folder)).toHaveLength(7);
  });

  it('give a range of users without the others', async () => {
    const folder = await imported(join(await folderOf({ 'ratings.csv': manyRows('') }), 'ratings.csv'));
    const manifest = await readManifest(folder);
    const whole = readWhole(folder, manifest, { from: 0, to: 300 }, 'explicit');
    const some = readWhole(folder, manifest, { from: 100, to: 110 }, 'explicit');
    expect(some.offsets).toEqual(whole.offsets.slice(100, 111).map((offset) => offset - whole.offsets[100]!));
    for (const name of ['items', 'values', 'times'] as const) {
      expect(some[name]).toEqual(whole[name]!.slice(whole.offsets[100], whole.offsets[110]));
    }
  });
});

describe('an import with keys of a run', () => {
  /** Everything of a set that was imported with these keys, and of one that is read with them. */
  const both = async (source: string, keys: Partial<LoadOptions>, ofRun: Partial<LoadOptions> = {}): Promise<[unknown, unknown]> => {
    const notes: string[][] = [[], []];
    const folder = await imported(source, { ...keys, onProgress: (note) => void notes[0]!.push(note) });
    const columns = seenOf(await loadDataset(folder, { split: 'auto', seed: 3, ...ofRun }));
    const onProgress = (note: string): void => void notes[1]!.push(note);
    const file = seenOf(await loadDataset(source, { split: 'auto', seed: 3, ...keys, ...ofRun, onProgress }));
    const aboutRows = (list: readonly string[]) => list.filter((note) => /\((unrated|outside|binarize|duplicates|minUser)/.test(note));
    expect(aboutRows(notes[0]!)).toEqual(aboutRows(notes[1]!));
    return [columns, file];
  };
  const ratings = async (text: string): Promise<string> =>
    join(await folderOf({ 'ratings.csv': `user,item,rating\n${text}` }), 'ratings.csv');

  it('gives what a run gives that reads the source with them: every policy', async () => {
    const source = await ratings('u,a,5\nu,b,1\nv,a,4\nv,a,2\nw,c,3\nu,c,-1\nw,a,9\nv,b,3\nw,b,4\nx,a,5\n');
    const clip = { scale: { lowest: 1, highest: 5 } };
    const policies: NonNullable<LoadOptions['policies']>[] = [
      { unrated: [-1], duplicates: 'mean', outside: 'clip' },
      { unrated: [-1], duplicates: 'last', outside: 'clip', minUser: 2 },
      { unrated: [-1], unratedAs: 2, duplicates: 'first', outside: 'clip', core: 2 },
      { unrated: [-1], duplicates: 'max', outside: 'clip', rescale: { lowest: 0, highest: 1 } },
      { unrated: [-1], duplicates: 'first', binarize: 4 },
    ];
    for (const each of policies) {
      const [columns, file] = await both(source, { policies: each, ...('binarize' in each ? {} : clip) });
      expect(columns, JSON.stringify(each)).toEqual(file);
    }
    const once = await ratings('u,a,5\nu,b,1\nv,a,4\nw,c,3\nu,c,-1\nw,a,9\n');
    for (const each of [
      { unrated: [-1], outside: 'clip' },
      { unrated: [-1], binarize: 4 },
    ] as const) {
      const [columns, file] = await both(once, { policies: each, ...('binarize' in each ? {} : clip) });
      expect(columns, JSON.stringify(each)).toEqual(file);
    }
  });

  it('knows implicit feedback, by the file and by the key', async () => {
    const pairs = join(await folderOf({ 'pairs.csv': 'user,item\nu,a\nu,b\nv,a\nv,c\n' }), 'pairs.csv');
    const [columns, file] = await both(pairs, {});
    expect(columns).toMatchObject({ feedback: 'implicit' });
    expect(columns).toEqual(file);
    const [counted, read] = await both(await ratings('u,a,5\nu,b,1\nv,a,4\n'), { feedback: 'implicit' });
    expect(counted).toEqual(read);
  });

  it('keeps titles and features, for every split and for the items that have all', async () => {
    const source = await folderOf({
      'ratings.csv': manyRows('', 60),
      'movies.csv': `movieId,title,genres,price\n${Array.from({ length: 380 }, (_, item) => `${item},Film ${item},${item % 3 === 0 ? 'Drama|War' : 'Comedy'},${item % 7}.5`).join('\n')}\n`,
    });
    for (const split of ['auto', 'cold-items', 'cold-users'] as const) {
      for (const describedOnly of [false, true]) {
        const [columns, file] = await both(source, {}, { split, splitting: { describedOnly } });
        expect(columns, `${split} ${describedOnly}`).toEqual(file);
        expect(Object.keys(columns as object)).toEqual(expect.arrayContaining(['itemTitles', 'itemFeatures']));
      }
    }
    const [some, read] = await both(source, {}, { features: ['genres'] });
    expect(some).toEqual(read);
    const folder = await imported(source);
    expect(await messageFrom(loadDataset(folder, { split: 'auto', seed: 1, features: ['actors'] }))).toBe(
      `${folder}: expected a feature actors (key features), found genres, price`,
    );
  });

  it('is the place for them: a run from columns refuses them, and an import refuses the files of a split', async () => {
    const folder = await imported(await ratings('u,a,5\nu,b,1\n'));
    const load = (keys: Partial<LoadOptions>) => messageFrom(loadDataset(folder, { split: 'auto', seed: 1, ...keys }));
    expect(await load({ policies: { core: 5 } })).toBe('core: expected none for imported columns (give it to data import), found 5');
    expect(await load({ encoding: 'latin1' })).toBe(
      'encoding: expected none for imported columns (give it to data import), found "latin1"',
    );
    const set = await loadDataset('synthetic:users=30,items=20', { split: 'auto', seed: 1 });
    const files = await temporaryFolder();
    await writeSplit(set, { source: 'any', split: { kind: 'auto' }, seed: 1 }, files, 'tsv');
    expect(await messageFrom(imported(files))).toContain('expected a source that is not split yet');
  });
});

describe('hosts', () => {
  const sources = async () => [
    join(await folderOf({ 'ratings.csv': manyRows('') }), 'ratings.csv'),
    await folderOf({ 'train.tsv': '0\t2\t5\n1\t0\t3\n0\t0\t4\n2\t1\t1\n', 'valid.tsv': '0\t1\t2\n', 'test.tsv': '1\t3\t1\n' }),
  ];

  it('get their own users from columns as from the file, without a set in memory as a whole', async () => {
    for (const source of await sources()) {
      const file = await loadDataset(source, { split: 'auto', seed: 3 });
      const columns = await loadDataset(await imported(source), { split: 'auto', seed: 3 });
      const { source: records } = columns.parts;
      const read: (readonly [number, number])[] = [];
      const spied = Object.defineProperty({}, 'source', {
        value: {
          ...records,
          read: (first: number, end: number, times: 'times' | 'none') => {
            read.push([first, end]);
            return records!.read(first, end, times);
          },
        },
      }) as Dataset['parts'];
      for (const hosts of [1, 2, 3]) {
        const dataset = { ...columns, parts: spied };
        const ranges = cutByUsers(dataset, hosts);
        expect(ranges).toEqual(cutByUsers(file, hosts));
        expect(dataDigest(dataset, [], hosts)).toBe(dataDigest(file));
        expect(read.splice(0)).toEqual(ranges.map(({ first, end }) => [first, end]));
      }
      expect(countsOf(columns)).toEqual(countsOf(file));
      expect([...trainOffsetsOf(columns)]).toEqual([...trainOffsetsOf(file)]);
    }
  });
});

describe('an import', () => {
  it('reports the line of a second rating, and of a rating that is no number', async () => {
    const twice = join(await folderOf({ 'ratings.csv': 'u,i,r\n' }), 'ratings.csv');
    await writeFile(twice, `${manyRows('')}10000000000,0,4.5,1\n`);
    expect(await messageFrom(imported(twice))).toBe(
      `${twice}:2102: expected one rating per user and item, found user 10000000000 and item 0 again, first at ${twice}:2`,
    );
    await writeFile(twice, `${manyRows('')}10000000000,399,much,1\n`);
    expect(await messageFrom(imported(twice))).toBe(`${twice}:2102: expected a numeric rating, found "much"`);
  });

  it('leaves no folder when it fails, and replaces none without being asked', async () => {
    const source = join(await folderOf({ 'ratings.csv': `${manyRows('')}1,2,x,4\n` }), 'ratings.csv');
    const out = await newFolder();
    await expect(importSource(source, { out, threads: 1 })).rejects.toThrow('numeric rating');
    expect(await readdir(join(out, '..'))).toEqual([]);
    await mkdir(out);
    await writeFile(join(out, 'thesis.txt'), 'years of work');
    await expect(importSource(source, { out, force: true })).rejects.toThrow('found one with other files in it');
    const columns = await imported('synthetic:users=4,items=5');
    await expect(importSource('synthetic:users=5,items=5', { out: columns })).rejects.toThrow('--force replaces columns');
    expect(await importSource('synthetic:users=5,items=5', { out: columns, force: true })).toMatchObject({ users: 5 });
  });

  it('refuses columns as its source, and keys for a source of columns', async () => {
    const columns = await imported('synthetic:users=4,items=5');
    expect(await messageFrom(imported(columns))).toBe(`${columns}: expected a source that is not imported yet, found columns`);
    const load = () => loadDataset(columns, { split: 'auto', seed: 1, delimiter: ',' });
    expect(await messageFrom(load())).toBe('delimiter: expected none for imported columns (give it to data import), found ","');
  });
});

describe('damaged columns', () => {
  const files: ImportSource['files'] = [];
  const load = (folder: string) => loadDataset(folder, { split: 'auto', seed: 1 });

  it('are refused in one line that names the column', async () => {
    const folder = await imported('synthetic:users=40,items=30');
    const path = join(folder, 'values.f32');
    const bytes = await readFile(path);
    await writeFile(path, bytes.with(9, bytes[9]! ^ 1));
    const damaged = await load(folder);
    const read = async (): Promise<unknown> => cutByUsers(damaged, 2);
    expect(await messageFrom(read())).toBe(
      `${path}: expected the checksum of the manifest for block 0, found another one: the column is damaged; import the source again`,
    );
    await truncate(path, bytes.length - 1);
    const wanted = `expected ${bytes.length} bytes, as the manifest says, found`;
    expect(await messageFrom(load(folder))).toBe(`${path}: ${wanted} ${bytes.length - 1}; import the source again`);
    await appendFile(path, 'xyz');
    expect(await messageFrom(load(folder))).toBe(`${path}: ${wanted} ${bytes.length + 2}; import the source again`);
  });

  it('are refused when the manifest is of another version, or cut short', async () => {
    const folder = await imported('synthetic:users=4,items=5');
    const path = join(folder, 'manifest.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"version": 1', '"version": 2'));
    expect(await messageFrom(load(folder))).toMatch(/manifest\.json: expected a manifest of version 1, .*, found version: /);
    await writeFile(path, text.slice(0, 100));
    expect(await messageFrom(load(folder))).toMatch(/manifest\.json: expected JSON, found /);
  });

  it('are not written by an import of nothing', async () => {
    const options: ImportOptions = { out: await newFolder(), threads: 1 };
    const source: ImportSource = { name: 'none', place: 'nowhere', files, layout: {} };
    expect(await messageFrom(importFiles(source, options))).toBe('nowhere: expected at least one rating, found none');
  });
});
