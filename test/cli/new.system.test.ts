import { execFile } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, metafleet } from '../support/cli/command.js';
import { moduleFolder, TINY } from '../support/cli/module-folder.js';

/** A user's folder: metafleet is installed there, and the example is written, trained and tested. */
let cwd = '';
const MODULE = './my-mf/index.ts';
const RUN = ['run', ...TINY, '--algorithm', MODULE, '--epochs', '6'] as const;

const readJson = (...path: readonly string[]) => JSON.parse(readFileSync(join(cwd, ...path), 'utf8'));
const digestOf = (name: string): string => readJson('results', name, 'summary.json').digest;

const run = async (name: string, ...words: readonly string[]) => {
  const ended = await metafleet([...RUN, '--name', name, ...words], { cwd });
  if (ended.code !== 0) throw new Error(ended.err);
  return ended;
};

let written: Awaited<ReturnType<typeof metafleet>>;
let first: Awaited<ReturnType<typeof metafleet>>;

beforeAll(async () => {
  cwd = moduleFolder('vitest');
  written = await metafleet(['new', 'algorithm', 'my-mf'], { cwd });
  first = await run('first');
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe('metafleet new algorithm', () => {
  it('writes an example under the name that it is given, and says what to do next', () => {
    expect(written).toMatchObject({ code: 0, err: '' });
    expect(written.out).toContain('npx metafleet run --algorithm ./my-mf/index.ts');
    expect(readdirSync(join(cwd, 'my-mf')).sort()).toEqual(['README.md', 'index.test.ts', 'index.ts']);
  });

  it('writes any other name in its place, where options are flags', async () => {
    expect(await metafleet(['new', 'algorithm', 'two-towers'], { cwd })).toMatchObject({ code: 0 });
    const text = ['index.ts', 'index.test.ts', 'README.md'].map((file) => readFileSync(join(cwd, 'two-towers', file), 'utf8')).join('');
    expect(text).toContain("name: 'two-towers'");
    expect(text).not.toContain('my-mf');
    const { out } = await metafleet(['run', '--algorithm', './two-towers/index.ts', '--two-towers.size', '5', '--print-config'], { cwd });
    expect(out).toMatch(/^two-towers:\n {2}# numbers in the vector .* \(default: 16\)\n {2}size: 5\n/m);
    expect(out).not.toMatch(/^(metamf|fedavg):/m);
  });

  it.each([
    ['My-MF', 'name: expected lower case letters, digits and hyphens, such as my-mf, found My-MF'],
    ['../elsewhere', 'name: expected lower case letters, digits and hyphens, such as my-mf, found ../elsewhere'],
    ['fedavg', 'name: expected a name that is neither built in nor a key of the configuration, found fedavg'],
    ['optimizer', 'name: expected a name that is neither built in nor a key of the configuration, found optimizer'],
    ['my-mf', 'my-mf: expected a name that no file or folder here has, found one that is there'],
  ])('refuses %s', async (name, line) => {
    expect(await metafleet(['new', 'algorithm', name], { cwd })).toMatchObject({ code: 1, out: '', err: `metafleet: ${line}\n` });
  });
});

describe('the example', () => {
  it('is shown by its name, not by its path', () => {
    expect(first.out).toContain('my-mf on synthetic');
    expect(first.out).toContain('my-mf, best-validation epoch');
    expect(first.out).not.toContain('index.ts');
    expect(readJson('results/first/summary.json')).toMatchObject({
      algorithm: 'my-mf',
      identity: expect.stringMatching(/^my-mf@1 sha256:[0-9a-f]{64}/),
      config: { algorithm: MODULE, 'my-mf': { size: 16 } },
    });
  });

  it('learns: its error falls from epoch to epoch', () => {
    const lines = readFileSync(join(cwd, 'results/first/epochs.ndjson'), 'utf8').trim().split('\n');
    const losses = lines.map((line) => JSON.parse(line).trainLoss as number);
    expect(losses).toHaveLength(6);
    expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]!);
  });

  it('gives the same digest on one, two and four threads', async () => {
    await Promise.all([run('one', '--threads', '1'), run('four', '--threads', '4')]);
    expect([digestOf('one'), digestOf('four')]).toEqual([digestOf('first'), digestOf('first')]);
  });

  it('gives the same digest where it is interrupted and resumed, and no other module resumes it', async () => {
    // Long enough that the signal comes before its end.
    const long = ['--epochs', '400', '--evaluation.every', '100', '--threads', '1'];
    const command = launch([...RUN, '--name', 'cut', ...long], { cwd });
    await command.said(/round|epoch/);
    command.kill('SIGINT');
    expect((await command.ended).code).toBe(130);
    const { rounds } = readJson('results/cut/summary.json');
    expect(rounds.total).toBeLessThan(1200);
    const resumed = await metafleet(['run', '--resume', 'results/cut', '--quiet'], { cwd });
    expect(resumed).toMatchObject({ code: 0, err: '' });
    await run('whole', ...long);
    expect(digestOf('cut')).toBe(digestOf('whole'));

    const before = readJson('results/cut/summary.json').identity.split(' ')[1];
    appendFileSync(join(cwd, MODULE), '// changed\n');
    const refused = await metafleet(['run', '--resume', 'results/cut', '--quiet'], { cwd });
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err.trimEnd().split('\n')).toHaveLength(1);
    expect(refused.err).toContain(before);
    expect(refused.err.match(/sha256:[0-9a-f]{64}/g)).toHaveLength(2);
  });

  it('passes its own tests where the user runs them', async () => {
    const vitest = resolve(import.meta.dirname, '../../node_modules/vitest/vitest.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [vitest, 'run', 'my-mf', '--reporter', 'json'], { cwd });
    const { success, numPassedTests } = JSON.parse(stdout.slice(stdout.indexOf('{')));
    expect(success).toBe(true);
    expect(numPassedTests).toBeGreaterThan(10);
  });
});

describe('other commands take a module', () => {
  it('tune searches its options', async () => {
    const words = ['tune', ...TINY.slice(0, 8), '--algorithm', MODULE, '--space', 'my-mf.rate=0.02,0.1', '--search', 'grid'];
    const { code, out, err } = await metafleet([...words, '--least', '1', '--most', '1', '--quiet', '--out', 'tuned'], { cwd });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/npx metafleet run .*--algorithm \.\/my-mf\/index\.ts .*--my-mf\.rate 0\.\d+/);
    expect(existsSync(join(cwd, 'tuned/trials.ndjson'))).toBe(true);
  });

  it('tune refuses a setting that no trial reads', async () => {
    const words = ['tune', '--algorithm', MODULE, '--space', 'my-mf.rate=0.02,0.1', '--metamf.hidden', '7', '--quiet'];
    expect(await metafleet(words, { cwd })).toMatchObject({
      code: 1,
      err: 'metafleet: flag --metamf.hidden: only algorithm metamf reads it, and this run has algorithm my-mf\n',
    });
  });

  it('report and device read its runs', async () => {
    expect(await metafleet(['report', 'results/first'], { cwd })).toMatchObject({ code: 0, err: '' });
    expect(readFileSync(join(cwd, 'results/first/report.html'), 'utf8')).toContain('my-mf');
    const { code, err } = await metafleet(['device', '9999', '--run', 'results/first'], { cwd });
    expect({ code, err }).toEqual({ code: 1, err: 'metafleet: device: expected 0 to 23, the devices of this run, found 9999\n' });
  });
});
