import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keptPaths, makeRoom, removeLeftovers } from '../../../src/coordinator/checkpoint/kept-files.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'metafleet-kept-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});
const at = (name: string): string => join(folder, name);
const put = (...names: readonly string[]): void => {
  for (const name of names) writeFileSync(at(name), name);
};
/** What lies in the folder, and what it was when it was put there. */
const contents = (): Readonly<Record<string, string>> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(at(name), 'utf8')]));

describe('the names of kept files', () => {
  it('count from the newest', () => {
    expect(keptPaths('a/last.checkpoint', 3)).toEqual(['a/last.checkpoint', 'a/last-1.checkpoint', 'a/last-2.checkpoint']);
    expect(keptPaths('a/last.checkpoint', 1)).toEqual(['a/last.checkpoint']);
    expect(keptPaths('a/last.checkpoint', 0)).toEqual(['a/last.checkpoint']);
  });

  it('leave other extensions at the end, and a folder called like one alone', () => {
    expect(keptPaths('old.checkpoint/last', 2)).toEqual(['old.checkpoint/last', 'old.checkpoint/last-1']);
    expect(keptPaths('last.checkpoint.bak', 2)).toEqual(['last.checkpoint.bak', 'last.checkpoint.bak-1']);
  });
});

describe('making room', () => {
  it('moves every file one place on, drops the oldest, and leaves the newest in its place', () => {
    put('last.checkpoint', 'last-1.checkpoint', 'last-2.checkpoint', 'last-3.checkpoint');
    makeRoom(at('last.checkpoint'), 3);
    expect(contents()).toEqual({
      'last.checkpoint': 'last.checkpoint',
      'last-1.checkpoint': 'last.checkpoint',
      'last-2.checkpoint': 'last-1.checkpoint',
      // Of a run that kept more.
      'last-3.checkpoint': 'last-3.checkpoint',
    });
  });

  it('does nothing where one file is kept', () => {
    put('last.checkpoint', 'last-1.checkpoint');
    makeRoom(at('last.checkpoint'), 1);
    expect(contents()).toEqual({ 'last.checkpoint': 'last.checkpoint', 'last-1.checkpoint': 'last-1.checkpoint' });
  });

  it('does with what is there: none, or gaps between them', () => {
    makeRoom(at('last.checkpoint'), 4);
    expect(contents()).toEqual({});
    put('last.checkpoint', 'last-2.checkpoint');
    makeRoom(at('last.checkpoint'), 4);
    expect(contents()).toEqual({
      'last.checkpoint': 'last.checkpoint',
      'last-1.checkpoint': 'last.checkpoint',
      'last-3.checkpoint': 'last-2.checkpoint',
    });
  });

  it('gives the newest the second place until another is there, where there are no links', () => {
    // Of a folder there can be none.
    mkdirSync(at('last.checkpoint'));
    makeRoom(at('last.checkpoint'), 2);
    expect(readdirSync(folder)).toEqual(['last-1.checkpoint']);
  });

  it('fails where a place is taken by something that cannot be moved away', () => {
    put('last.checkpoint', 'last-1.checkpoint');
    mkdirSync(join(at('last-2.checkpoint'), 'full'), { recursive: true });
    expect(() => makeRoom(at('last.checkpoint'), 3)).toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(existsSync(at('last.checkpoint'))).toBe(true);
  });
});

describe('leftovers of a killed process', () => {
  it('of this name go, and nothing else does', () => {
    put(
      'last.checkpoint',
      'last.checkpoint.123.tmp',
      'last-1.checkpoint.9.tmp',
      'last.checkpoint.tmp',
      'best.checkpoint.123.tmp',
      'last.123.tmp.csv',
    );
    removeLeftovers(at('last.checkpoint'));
    expect(Object.keys(contents())).toEqual(['best.checkpoint.123.tmp', 'last.123.tmp.csv', 'last.checkpoint', 'last.checkpoint.tmp']);
  });

  it('are looked for in vain where there is no folder', () => {
    expect(() => removeLeftovers(join(folder, 'gone', 'last.checkpoint'))).not.toThrow();
    expect(readdirSync(folder)).toEqual([]);
  });
});
