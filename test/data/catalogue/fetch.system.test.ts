import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { cacheFolder, fetchDataset } from '../../../src/data/catalogue/cache.js';
import { CATALOGUE, catalogueEntry } from '../../../src/data/catalogue/catalogue.js';
import type { CatalogueEntry } from '../../../src/data/catalogue/entry.js';
import { folderOf, load, messageFrom, temporaryFolder } from '../../support/data/data-files.js';
import { held, refusal } from '../../support/data/fetching.js';

/** A loopback server. Resolves to its base address. */
const serve = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const serveFiles = (files: Readonly<Record<string, Uint8Array | string>>): Promise<string> =>
  serve((request, response) => {
    const body = files[request.url ?? ''];
    if (body === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-length': Buffer.byteLength(body) }).end(body);
  });

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');
const RATINGS = '1::10::4::0\n1::20::3::0\n2::10::1::0\n';
const ZIP = zipSync({ 'ml-1m/README': Buffer.from('hello'), 'ml-1m/ratings.dat': Buffer.from(RATINGS) }, { level: 0 });
const ZIP_PATH = '/datasets/movielens/ml-1m.zip';
const ML_1M: CatalogueEntry = { ...catalogueEntry('ml-1m'), integrity: `md5-${md5(ZIP)}` };

describe('a folder for the cache', () => {
  it('that cannot be written to names the variable that puts it elsewhere', async () => {
    // No user can write below a file, and root no more than others.
    const cache = join(await folderOf({ file: 'x' }), 'file', 'cache');
    for (const force of [true, false]) {
      const message = await refusal(fetchDataset(ML_1M, { cacheFolder: cache, force, baseAddress: 'http://127.0.0.1:1' }));
      expect(message).toContain(cache);
      expect(message).toContain('(the environment variable METAFLEET_CACHE names another folder for the cache)');
    }
  });
});

describe('a zip file over HTTP', () => {
  it('is fetched, checked and unpacked once; the second time needs no server', async () => {
    const cache = await temporaryFolder();
    const notes: string[] = [];
    const options = { cacheFolder: cache, onProgress: (note: string) => notes.push(note) };
    const folder = await fetchDataset(ML_1M, { ...options, baseAddress: await serveFiles({ [ZIP_PATH]: ZIP }) });
    expect(await readFile(join(folder, 'ratings.dat'), 'utf8')).toBe(RATINGS);
    expect(await held(cache)).toEqual(['ml-1m']);
    expect(notes.some((note) => note.includes(`${ZIP_PATH}: `) && note.endsWith(' MB'))).toBe(true);
    expect(notes.at(-1)).toContain('GroupLens terms');
    expect(await fetchDataset(ML_1M, { ...options, baseAddress: 'http://127.0.0.1:1' })).toBe(folder);
  });

  it('with the wrong hash is refused and leaves nothing', async () => {
    const cache = await temporaryFolder();
    const entry: CatalogueEntry = { ...ML_1M, integrity: 'md5-c4d9eecfca2ab87c1945afe126590906' };
    const baseAddress = await serveFiles({ [ZIP_PATH]: ZIP });
    expect(await refusal(fetchDataset(entry, { cacheFolder: cache, baseAddress }))).toBe(
      `${baseAddress}${ZIP_PATH}: expected md5-c4d9eecfca2ab87c1945afe126590906, found md5-${md5(ZIP)}: ` +
        'the download is damaged or was changed; nothing was kept',
    );
    expect(await held(cache)).toEqual([]);
  });

  const damaged: Record<string, Uint8Array> = {
    'is cut off': ZIP.subarray(0, ZIP.length >> 1),
    'has a changed byte in a rating': Buffer.from(Buffer.from(ZIP).toString('latin1').replace('1::20::3', '1::20::5'), 'latin1'),
    'is no zip file': Buffer.from('<html>Not here</html>'),
  };
  for (const [how, zip] of Object.entries(damaged)) {
    it(`that ${how} is refused even when no hash is pinned`, async () => {
      const cache = await temporaryFolder();
      const baseAddress = await serveFiles({ [ZIP_PATH]: zip });
      const message = await refusal(fetchDataset({ ...ML_1M, integrity: 'not pinned' }, { cacheFolder: cache, baseAddress }));
      expect(message).toContain(`${baseAddress}${ZIP_PATH}: expected a whole zip file, found `);
      expect(await held(cache)).toEqual([]);
    });
  }

  it('without the rating file in it is refused', async () => {
    const cache = await temporaryFolder();
    const baseAddress = await serveFiles({ [ZIP_PATH]: zipSync({ other: Buffer.from('x') }) });
    const entry: CatalogueEntry = { ...ML_1M, integrity: 'not pinned' };
    expect(await refusal(fetchDataset(entry, { cacheFolder: cache, baseAddress }))).toContain(
      'expected ml-1m/ratings.dat in the zip file, found other',
    );
    expect(await held(cache)).toEqual([]);
  });

  it('is refused when the server refuses, ends the connection, or is not there', async () => {
    const cache = await temporaryFolder();
    const none = await serveFiles({});
    expect(await refusal(fetchDataset(ML_1M, { cacheFolder: cache, baseAddress: none }))).toContain('expected HTTP status 200, found 404');
    const rude = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('half', () => response.destroy());
    });
    expect(await refusal(fetchDataset(ML_1M, { cacheFolder: cache, baseAddress: rude }))).toContain(
      'expected a download, found terminated',
    );
    expect(await refusal(fetchDataset(ML_1M, { cacheFolder: cache, baseAddress: 'http://127.0.0.1:1' }))).toContain(
      'expected a download, found',
    );
    expect(await held(cache)).toEqual([]);
  });

  it('fetched by two at once ends in one good copy', async () => {
    const cache = await temporaryFolder();
    const options = { cacheFolder: cache, baseAddress: await serveFiles({ [ZIP_PATH]: ZIP }) };
    const folders = await Promise.all([1, 2, 3].map(() => fetchDataset(ML_1M, options)));
    expect(new Set(folders).size).toBe(1);
    expect(await held(cache)).toEqual(['ml-1m']);
    expect(await readFile(join(folders[0]!, 'ratings.dat'), 'utf8')).toBe(RATINGS);
  });
});

describe('the cache', () => {
  const filled = async (): Promise<{ cache: string; folder: string; baseAddress: string }> => {
    const cache = await temporaryFolder();
    const baseAddress = await serveFiles({ [ZIP_PATH]: ZIP });
    return { cache, baseAddress, folder: await fetchDataset(ML_1M, { cacheFolder: cache, baseAddress }) };
  };

  it('notices a changed file by its hash, and says how to fetch it again', async () => {
    const { cache, folder, baseAddress } = await filled();
    const file = join(folder, 'ratings.dat');
    await writeFile(file, RATINGS.replace('3', '5'));
    const message = await refusal(fetchDataset(ML_1M, { cacheFolder: cache }));
    expect(message).toContain(`${file}: expected sha256 `);
    expect(message).toContain('the cached copy is damaged; fetch it again with: metafleet data fetch ml-1m --force');
    await fetchDataset(ML_1M, { cacheFolder: cache, baseAddress, force: true });
    expect(await readFile(file, 'utf8')).toBe(RATINGS);
  });

  const breakages: Record<string, (folder: string) => Promise<string>> = {
    'a folder in place of the file': async (folder) => {
      await rm(join(folder, 'ratings.dat'));
      await mkdir(join(folder, 'ratings.dat'));
      return join(folder, 'ratings.dat');
    },
    'a missing file': async (folder) => {
      await rm(join(folder, 'ratings.dat'));
      return join(folder, 'ratings.dat');
    },
    'a missing manifest': async (folder) => {
      await rm(join(folder, 'manifest.json'));
      return join(folder, 'manifest.json');
    },
    'a manifest that is not one': async (folder) => {
      await writeFile(join(folder, 'manifest.json'), '{"files": 3}');
      return join(folder, 'manifest.json');
    },
    'a file in place of the folder': async (folder) => {
      await rm(folder, { recursive: true });
      await writeFile(folder, '');
      return join(folder, 'manifest.json');
    },
  };
  for (const [what, breakIt] of Object.entries(breakages)) {
    it(`with ${what} is one error that names it, and --force mends it`, async () => {
      const { cache, folder, baseAddress } = await filled();
      const path = await breakIt(folder);
      const message = await refusal(fetchDataset(ML_1M, { cacheFolder: cache }));
      expect(message).toContain(`${path}: expected a readable cached file, found `);
      expect(message).toContain('metafleet data fetch ml-1m --force');
      await fetchDataset(ML_1M, { cacheFolder: cache, baseAddress, force: true });
      expect(await held(cache)).toEqual(['ml-1m']);
    });
  }

  it('that cannot be written ends in one error that names it', async () => {
    const cache = join(await folderOf({ file: '' }), 'file');
    expect(await refusal(fetchDataset(ML_1M, { cacheFolder: cache }))).toContain(`${join(cache, 'datasets', 'ml-1m')}: expected `);
  });

  it('keeps the old copy when fetching it again fails', async () => {
    const { cache, folder } = await filled();
    await refusal(fetchDataset(ML_1M, { cacheFolder: cache, force: true, baseAddress: 'http://127.0.0.1:1' }));
    expect(await fetchDataset(ML_1M, { cacheFolder: cache })).toBe(folder);
  });

  it('lies where METAFLEET_CACHE says, else in the platform’s cache folder', () => {
    vi.stubEnv('METAFLEET_CACHE', '/somewhere/else');
    expect(cacheFolder()).toBe('/somewhere/else');
    vi.stubEnv('METAFLEET_CACHE', '');
    expect(cacheFolder()).toContain('metafleet');
    vi.unstubAllEnvs();
  });
});

describe('sets without a published hash', () => {
  it('say so, load, and report counts that are not the published ones', async () => {
    const table = 'userID\tmovieID\trating\tdate_day\n75\t3\t1\t29\n75\t32\t4.5\t29\n78\t3\t4\t29\n';
    const baseAddress = await serveFiles({
      '/datasets/hetrec2011/hetrec2011-movielens-2k-v2.zip': zipSync({ 'user_ratedmovies.dat': Buffer.from(table) }),
    });
    const notes: string[] = [];
    const cache = { cacheFolder: await temporaryFolder(), baseAddress };
    const dataset = await load('hetrec-ml', { cache, onProgress: (note) => notes.push(note) });
    expect(dataset).toMatchObject({
      name: 'hetrec-ml',
      users: 2,
      items: 2,
      userIds: ['75', '78'],
      scale: { lowest: 0.5, step: 0.5 },
    });
    expect(notes.some((note) => /integrity: not pinned; the archive's sha256 is [0-9a-f]{64}/.test(note))).toBe(true);
    expect(notes).toContain('hetrec-ml: expected 2113 users, 10109 items, 855598 ratings, found 2 users, 2 items, 3 ratings');
  });

  it('book-crossing passes over its implicit zeros and keeps odd ISBNs apart', async () => {
    const table =
      '"User-ID";"ISBN";"Book-Rating"\n"1";"034545104X";"0"\n"1";" 0330299891";"5"\n"2";"0330299891";"8"\n"2";"\xe9";"1"\n"2";"\xe8";"1"\n';
    const zip = zipSync({ 'BX-Book-Ratings.csv': Buffer.from(table, 'latin1') });
    const cache = {
      cacheFolder: await temporaryFolder(),
      baseAddress: await serveFiles({ '/~cziegler/BX/BX-CSV-Dump.zip': zip }),
    };
    expect((await load('book-crossing', { cache })).itemIds).toEqual([' 0330299891', '0330299891', 'é', 'è']);
  });

  it('MetaMF’s splits come as three files, and ids past the catalogue’s are refused', async () => {
    const at = (part: string) => `/TempSDU/MetaMF/bbfdf0b86b233be2fba88e26d6da230466eb508a/data/ciao.${part}.rating`;
    const baseAddress = await serveFiles({
      [at('train')]: '0\t5\t5.0\n',
      [at('valid')]: '0\t6\t4.0\n',
      [at('test')]: '0\t105096\t1.0\n',
    });
    const cacheOptions = { cacheFolder: await temporaryFolder(), baseAddress };
    const folder = await fetchDataset(catalogueEntry('ciao'), cacheOptions);
    expect((await readdir(folder)).sort()).toEqual(['ciao.test.rating', 'ciao.train.rating', 'ciao.valid.rating', 'manifest.json']);
    expect(await messageFrom(load('ciao', { cache: cacheOptions }))).toBe(
      `${join(folder, 'ciao.test.rating')}:1: expected an item id from 0 to 105095, found "105096" (item id overflow)`,
    );
  });

  it('no hash is pinned that was not published', () => {
    const pinned = CATALOGUE.filter(({ integrity }) => integrity !== 'not pinned').map(({ name }) => name);
    expect(pinned).toEqual(['ml-small', 'ml-100k', 'ml-1m', 'ml-10m']);
  });
});
