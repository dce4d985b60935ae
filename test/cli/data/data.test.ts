import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { dataCommand } from '../../../src/cli/data/data.js';

/** Runs `metafleet data …` and resolves to what it wrote to stdout. */
const run = async (...words: string[]): Promise<string> => {
  const written: string[] = [];
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  try {
    await dataCommand().parseAsync(words, { from: 'user' });
  } finally {
    out.mockRestore();
  }
  return written.join('');
};

const file = async (text: string): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'metafleet-cli-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'mine.txt'), text);
  return join(folder, 'mine.txt');
};

it('data list shows every set in one aligned line, and which have no pinned hash', async () => {
  const lines = (await run('list')).trimEnd().split('\n');
  expect(lines[0]).toMatch(/^NAME +USERS +ITEMS +RATINGS +SCALE +SPLIT +INTEGRITY +TITLE$/);
  expect(lines).toHaveLength(26);
  const column = lines[0]!.indexOf('SCALE');
  for (const line of lines.slice(1)) expect(line.slice(column)).toMatch(/^[\d-]/);
  expect(lines.find((line) => line.startsWith('ciao '))).toContain('integrity: not pinned');
  expect(lines[1]).toMatch(/^ml-small +671 +9,066 +100,004 .*sha512/);
});

it('data describe shows the counts of a file with columns, delimiter and scale of its own', async () => {
  const path = await file('a\tx\ty\n5\tu1\ti1\n3\tu1\ti2\n4\tu2\ti1\n');
  const text = await run(
    'describe',
    path,
    '--columns',
    'x,y,a',
    '--delimiter',
    '\\t',
    '--scale',
    '0:5:1',
    '--split',
    'random',
    '--seed',
    '7',
  );
  expect(text).toMatch(/^delimiter +a tab, below a header$/m);
  expect(text).toMatch(/^columns +user: 2 \(x\); item: 3 \(y\); rating: 1 \(a\)$/m);
  expect(text).toMatch(/^u1 +i1 +5 +-$/m);
  expect(text).toMatch(/^dataset +mine$/m);
  expect(text).toMatch(/^users +2$/m);
  expect(text).toMatch(/^sparsity +25\.00 %$/m);
  expect(text).toMatch(/^scale +0 to 5, step 1$/m);
  expect(text).toMatch(/^ +3 +1 +33\.33 % {2}#{13}$/m);
});

it('data describe shows the best possible error of a synthetic set', async () => {
  expect(await run('describe', 'synthetic:users=30,items=20')).toMatch(/^best possible MSE +0\.\d+$/m);
});

it('data fetch of a set that is got by hand says where', async () => {
  const failure = await run('fetch', 'yelp').catch((error: unknown) => error);
  expect((failure as Error).message).toBe(
    'yelp: expected a set that can be downloaded, found one that you get by hand at https://www.yelp.com/dataset; then give its path',
  );
});

const bad: [words: string[], message: string][] = [
  [['describe', 'nowhere/at/all'], 'dataset: expected one of ml-small, '],
  [['fetch', 'nothing'], 'dataset: expected one of ml-small, '],
  [['describe', 'x', '--columns', '1'], 'columns: expected columns of user, item, and perhaps rating and time'],
  [['describe', 'x', '--scale', '1'], 'scale: expected lowest, highest and perhaps the step'],
  [['describe', 'x', '--scale', '1:high'], '--scale.1: expected a number'],
  [['describe', 'x', '--seed', 'lucky'], '--seed: expected a number'],
  [['describe', 'ml-small', '--columns', '1,2,3'], "columns: expected none for the catalogue's ml-small"],
];
for (const [words, message] of bad) {
  it(`data ${words.join(' ')} throws one line`, async () => {
    const failure = await run(...words).catch((error: unknown) => error);
    expect(isMetafleetError(failure)).toBe(true);
    expect((failure as Error).message).toContain(message);
    expect((failure as Error).message).not.toContain('\n');
  });
}
