import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { unpack } from '../../../src/data/containers/unpack.js';
import { allTriples, folderOf, load, messageFrom } from '../../support/data/data-files.js';

const TEXT = Buffer.from('1,10,4\n1,20,3.5\n2,10,1\n');
const FIXTURES = join(import.meta.dirname, '../formats/fixtures');
const count = async (path: string): Promise<number> => allTriples(await load(path)).length;

describe('containers', () => {
  it('are opened by their first bytes, whatever the name, also one within another', async () => {
    const folder = await folderOf({
      'a.csv': gzipSync(TEXT),
      'b.gz': gzipSync(gzipSync(TEXT)),
      'c.zip': zipSync({ 'ratings.csv': gzipSync(TEXT) }),
      'd.csv': Buffer.concat([gzipSync(TEXT.subarray(0, 7)), gzipSync(TEXT.subarray(7))]),
    });
    // A zip's member is found by its name, and unpacked by its bytes.
    for (const name of ['a.csv', 'b.gz', 'c.zip', 'd.csv']) expect(await count(join(folder, name))).toBe(3);
  });

  it('of zip are read like folders, and a member by its path', async () => {
    const members = { 'ml/ratings.csv': TEXT, 'ml/movies.csv': Buffer.from('movieId,title\n10,x\n'), '__MACOSX/ml/._ratings.csv': TEXT };
    const folder = await folderOf({ 'set.zip': zipSync(members) });
    expect((await load(join(folder, 'set.zip'))).name).toBe('ml');
    expect(await count(join(folder, 'set.zip', 'ml', 'ratings.csv'))).toBe(3);
    expect(await messageFrom(load(join(folder, 'set.zip', 'ml', 'other.csv')))).toContain('expected ml/other.csv in the zip file');
  });

  it('that are cut off or damaged are errors of one line', async () => {
    const gzip = gzipSync(TEXT);
    const zip = zipSync({ 'ratings.csv': [TEXT, { level: 0 }] });
    const wrong = Uint8Array.from(zip);
    // In the content: the header has the time, whose bytes may be any.
    wrong[Buffer.from(zip).indexOf(TEXT)]! ^= 1;
    const folder = await folderOf({ 'a.gz': gzip.subarray(0, -9), 'b.zip': zip.subarray(0, -9), 'c.zip': wrong });
    for (const [name, kind] of [
      ['a.gz', 'gzip'],
      ['b.zip', 'zip'],
      ['c.zip', 'zip'],
    ] as const) {
      // biome-ignore format: pairs
      const message = await messageFrom(load(join(folder, name)));
      expect(message).toMatch(new RegExp(`expected a whole ${kind} file, found`));
      expect(message).not.toContain('\n');
    }
  });

  it('of zstd are read by the package where Node has none', async () => {
    const packed = readFileSync(join(FIXTURES, 'packed.csv.zst'));
    async function* pieces() {
      for (let at = 0; at < packed.length; at += 7) yield packed.subarray(at, at + 7);
    }
    const parts: Uint8Array[] = [];
    for await (const part of unpack('zstd', pieces(), 'x')) parts.push(part);
    expect(Buffer.concat(parts).toString()).toMatch(/^userId,movieId,rating,timestamp\n(\d+,\d+,\d,\d{9}\n){5}$/);
  });

  it('that are not read are named, with what to do', async () => {
    const folder = await folderOf({
      'a.bz2': Buffer.from('BZh91AY&SY'),
      'b.h5': Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'),
      'c.db': Buffer.from('SQLite format 3\0'),
      'd.csv': Buffer.from('1,10,4\n', 'utf16le'),
      'e.html': '<!DOCTYPE html><p>Not found',
    });
    const cases = {
      'a.bz2': 'bunzip2',
      'b.h5': 'export it as CSV',
      'c.db': 'SQLite',
      'd.csv': 'encoding: utf-16le',
      'e.html': 'an HTML or XML page',
    };
    for (const [name, said] of Object.entries(cases)) expect(await messageFrom(load(join(folder, name)))).toContain(said);
    expect(allTriples(await load(join(folder, 'd.csv'), { encoding: 'utf-16le' }))).toEqual([['1', '10', 4]]);
  });
});

describe('encodings', () => {
  it('keep ids apart that UTF-8 would merge', async () => {
    const path = join(FIXTURES, 'names-latin1.csv');
    expect(await messageFrom(load(path))).toMatch(/:2: expected an id in UTF-8, found byte 0xe9 in .*encoding: latin1/);
    expect((await load(path, { encoding: 'latin1' })).userIds).toEqual(['José', 'Josè', 'Josê', 'Josë']);
  });

  it('have to be known', async () => {
    expect(await messageFrom(load(join(FIXTURES, 'pairs.csv'), { encoding: 'klingon' }))).toContain('encoding: expected utf-8, latin1');
  });

  it('leave ids beyond 2^53 as they are written', async () => {
    const { userIds } = await load(join(FIXTURES, 'names-utf8.csv'));
    expect(userIds).toEqual(['José', '山田太郎', '9007199254740993', '9007199254740992']);
    expect((await load(join(FIXTURES, 'reviews.json'))).userIds).toEqual(['12345678901234567', '12345678901234568']);
  });
});
