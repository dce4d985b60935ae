import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRatings } from '../../../src/data/import/reader.js';
import { rowSink } from '../../../src/data/import/row-sink.js';
import { emptyRows } from '../../../src/data/import/rows.js';
import { messageFrom, temporaryFolder } from '../../support/data/data-files.js';

const FIXTURES = join(import.meta.dirname, '..', 'formats', 'fixtures');
const CASES = join(import.meta.dirname, '..', '..', 'fuzz', 'cases');

const read = async (path: string) => {
  const rows = emptyRows();
  await readRatings(path, {}, rowSink(rows));
  return rows;
};

describe('a table', () => {
  it('is the same in every packing', async () => {
    const [lz4, zstd] = await Promise.all(['lz4', 'zstd'].map((name) => read(join(FIXTURES, `ratings-${name}.feather`))));
    expect(lz4!.count).toBe(80);
    expect(lz4!.values.subarray(0, 80)).toEqual(zstd!.values.subarray(0, 80));
    expect(lz4!.userIds.finish()).toEqual(zstd!.userIds.finish());
  });

  it('on which its package never returns is refused, and the next one is read', async () => {
    const refusal = / expected a whole Parquet file, found what takes over 11 s to unpack$/;
    expect(await messageFrom(read(join(CASES, 'parquet-76e3425596a0')))).toMatch(refusal);
    expect((await read(join(FIXTURES, 'ratings.parquet'))).count).toBe(2);
  });

  it('that is cut off is refused in one line', async () => {
    const folder = await temporaryFolder();
    for (const name of ['ratings.parquet', 'ratings.arrow', 'ratings-lz4.feather']) {
      const path = join(folder, name);
      const bytes = await readFile(join(FIXTURES, name));
      await writeFile(path, bytes.subarray(0, bytes.length - 200));
      expect(await messageFrom(read(path))).toMatch(/^[^\n]*: expected a whole (Arrow|Parquet) file, found [^\n]*$/);
    }
  });
});
