import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder = '';

beforeEach(() => {
  // Inside the project, so that the fixture finds vitest.
  mkdirSync('dist', { recursive: true });
  folder = mkdtempSync(path.resolve('dist/ci-reporter-'));
  writeFileSync(path.join(folder, 'vitest.config.js'), 'export default {};');
});

afterEach(() => rmSync(folder, { recursive: true }));

const report = (
  files: Readonly<Record<string, string>>,
): { readonly status: number | null; readonly skips: readonly string[]; readonly totals: string } => {
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), `import { test } from 'vitest';\n${text}`);
  const totals = path.join(folder, 'totals');
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      path.resolve('node_modules/vitest/vitest.mjs'),
      'run',

      `--root=${folder}`,
      `--reporter=${path.resolve('scripts/ci-reporter.ts')}`,
    ],
    { cwd: folder, encoding: 'utf8', env: { ...process.env, METAFLEET_TOTALS: totals } },
  );
  return { status, skips: stdout.split('\n').filter((line) => line.startsWith('skipped: ')), totals: readFileSync(totals, 'utf8') };
};

test('a run in which everything passes succeeds', () => {
  expect(report({ 'a.test.ts': `test('one', () => {});\ntest('two', () => {});` })).toEqual({
    status: 0,
    skips: [],
    totals: '2 passed, 0 failed, 0 skipped\n',
  });
});

test('a skipped test fails the run and is named with its reason', () => {
  expect(
    report({
      'a.test.ts': `test('one', () => {});\ntest('two', ({ skip }) => skip('no GPU here'));\ntest.skip('three', () => {});\ntest.todo('four');`,
    }),
  ).toEqual({
    status: 1,
    skips: [
      'skipped: a.test.ts > two: no GPU here',
      'skipped: a.test.ts > three: no reason given',
      'skipped: a.test.ts > four: no reason given',
    ],
    totals: '1 passed, 0 failed, 3 skipped\n',
  });
});

test('a failed test and a file that does not load count as failures', () => {
  expect(report({ 'a.test.ts': `test('one', () => { throw new Error('no'); });`, 'b.test.ts': `throw new Error('no');` })).toEqual({
    status: 1,
    skips: [],
    totals: '0 passed, 2 failed, 0 skipped\n',
  });
});
