import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../../src/base/errors.js';
import { openNdjson, truncateNdjson } from '../../../../src/runs/folder/lines/ndjson.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'metafleet-ndjson-'));
});
afterEach(() => rm(folder, { recursive: true }));

const warn = (text: string): never => {
  throw new Error(text);
};
const roundsIn = async (path: string): Promise<number[]> =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { round: number }).round);

describe('openNdjson', () => {
  it('has every line on disk after close, in order, each whole', async () => {
    const path = join(folder, 'rounds.ndjson');
    const file = await openNdjson(path, { warn });
    for (let round = 1; round <= 2500; round++) file.append({ round });
    await file.close();
    await file.close();
    expect(await roundsIn(path)).toEqual(Array.from({ length: 2500 }, (_, index) => index + 1));
  });
  it('writes buffered lines by itself after the interval', async () => {
    const path = join(folder, 'rounds.ndjson');
    const file = await openNdjson(path, { warn, flushMillis: 20 });
    file.append({ round: 1 });
    await expect.poll(() => roundsIn(path)).toEqual([1]);
    await file.close();
  });
  it('writes numbers that are none as null', async () => {
    const path = join(folder, 'rounds.ndjson');
    const file = await openNdjson(path, { warn });
    file.append({ loss: Number.NaN });
    await file.close();
    expect(await readFile(path, 'utf8')).toBe('{"loss":null}\n');
  });
  it.runIf(process.platform === 'linux')(
    'warns once when the disk is full, lets the run go on, and says in the end what is missing',
    async () => {
      const warnings: string[] = [];
      const file = await openNdjson('/dev/full', { warn: (text) => warnings.push(text) });
      for (let round = 1; round <= 3; round++) {
        file.append({ round });
        await file.flush();
      }
      await file.close();
      expect(warnings).toEqual([
        expect.stringMatching(/^\/dev\/full: lines wait in memory, the run goes on: .*ENOSPC.* \(free space on that disk\)$/),
        '/dev/full: 3 lines could not be written',
      ]);
    },
  );
});

describe('truncateNdjson', () => {
  const path = (): string => join(folder, 'rounds.ndjson');
  const lines = (rounds: readonly number[]): string => rounds.map((round) => `${JSON.stringify({ round, loss: 1 })}\n`).join('');

  it('keeps the lines up to the round, each round once, and leaves no other file', async () => {
    await writeFile(path(), lines([1, 2, 3, 3, 4, 5, 6]));
    expect(await truncateNdjson(path(), 4)).toBe(4);
    expect(await roundsIn(path())).toEqual([1, 2, 3, 4]);
    expect(await readdir(folder)).toEqual(['rounds.ndjson']);
  });
  it('cuts off a torn last line', async () => {
    await writeFile(path(), lines([1, 2]));
    await appendFile(path(), '{"round":3,"lo');
    expect(await truncateNdjson(path(), 10)).toBe(2);
    expect(await roundsIn(path())).toEqual([1, 2]);
  });
  it('takes a missing file for an empty one', async () => {
    expect(await truncateNdjson(path(), 10)).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });
  it('names the line that is none, and leaves the file as it was', async () => {
    const text = `${lines([1])}oops\n${lines([3])}`;
    await writeFile(path(), text);
    const error: unknown = await truncateNdjson(path(), 10).catch((thrown: unknown) => thrown);
    expect(isMetafleetError(error, 'CHECKPOINT')).toBe(true);
    expect(String(error)).toContain('rounds.ndjson:2: expected a JSON object with a round, found oops');
    expect(await readFile(path(), 'utf8')).toBe(text);
    expect(await readdir(folder)).toEqual(['rounds.ndjson']);
  });
  it('copies files longer than one batch whole', async () => {
    const rounds = Array.from({ length: 3000 }, (_, index) => index + 1);
    await writeFile(path(), lines(rounds));
    expect(await truncateNdjson(path(), 2750)).toBe(2750);
    expect(await roundsIn(path())).toEqual(rounds.slice(0, 2750));
  });
});
