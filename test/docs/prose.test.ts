import { join } from 'node:path';
import { expect, it } from 'vitest';
import { proseFiles, proseProblems } from '../../scripts/check-prose.js';

const root = join(import.meta.dirname, '../..');

const files = proseFiles(root).filter((file) => file.endsWith('.md') || file.startsWith('src/'));

it('documents and comments use no word that is not allowed', () => {
  const found = files.flatMap((file) => proseProblems(root, file)).filter(({ kind }) => kind === 'word');
  expect(found.map(({ file, line, text }) => `${file}:${line}: ${text}`)).toEqual([]);
});

it('looks at documents and at sources', () => {
  expect(files).toEqual(expect.arrayContaining(['README.md', 'docs/run.md', 'src/base/random.ts']));
});
