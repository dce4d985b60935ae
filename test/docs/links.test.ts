import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { proseFiles } from '../../scripts/check-prose.js';

const root = join(import.meta.dirname, '../..');
const documents = proseFiles(root).filter((file) => file.endsWith('.md'));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Paths of the project, wherever a document has them: in code, in a command, in a link's text. Those with placeholders are left out. */
const pathsIn = (text: string): readonly string[] =>
  [...text.matchAll(/(?<![\w/.…-])(?:src|test|scripts|docs|dashboards|workers)\/[\w./-]*[\w/](?![\w/<*…])/g)].map(([path]) => path);

const linksIn = (text: string): readonly string[] =>
  [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target));

/** As GitHub names the anchor of a heading. */
const anchorsOf = (file: string): readonly string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe.each(documents)('%s', (file) => {
  it('has relative links to files and headings that exist', () => {
    for (const link of linksIn(read(file))) {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? join(root, file) : resolve(root, dirname(file), path);
      expect(existsSync(target), link).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(target), link).toContain(anchor);
    }
  });

  it('names paths of the project that exist', () => {
    expect(pathsIn(read(file)).filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

it('finds links and paths in the documents at all', () => {
  expect(documents).toEqual(expect.arrayContaining(['README.md', 'ARCHITECTURE.md', 'docs/run.md', 'docs/benchmarks/rounds.md']));
  expect(linksIn(read('README.md')).length).toBeGreaterThan(10);
  expect(pathsIn(read('ARCHITECTURE.md')).length).toBeGreaterThan(10);
  expect(pathsIn('`src/nowhere.ts`, test/<folder>/x.test.ts, ../dashboards/x.png')).toEqual(['src/nowhere.ts']);
});

it.each(['README.md', 'ARCHITECTURE.md'])('%s has at most 100 lines', (file) => {
  expect(read(file).trimEnd().split('\n').length).toBeLessThanOrEqual(100);
});
