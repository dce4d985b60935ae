import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TableResult } from '../../src/studies/table-result.js';
import { launch, metafleet, SMALL, temporaryFolder } from './command.js';

const resultIn = (cwd: string, name: string): TableResult =>
  JSON.parse(readFileSync(join(cwd, 'results', 'paper', `${name}.json`), 'utf8')) as TableResult;

describe('metafleet paper', () => {
  it('trains a table’s runs once, compares them, and leaves what reproduces each figure', async () => {
    const cwd = await temporaryFolder();
    const words = ['paper', 'table3', ...SMALL, '--epochs', '2', '--seeds', '1,2', '--quiet'];
    const { code, out, err } = await metafleet(words, { cwd });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const result = resultIn(cwd, 'table3-synthetic');
    expect(result.lines.map(({ label, runs }) => [label, runs.map(({ seed }) => seed)])).toEqual([
      ['MetaMF', [1, 2]],
      ['MetaMF-SI', [1, 2]],
      ['MetaMF-SM', [1, 2]],
    ]);
    expect(result.comparisons.map(({ first, second, seeds, mse }) => [first, second, seeds, mse.pairs])).toEqual([
      ['MetaMF', 'MetaMF-SI', [1, 2], 24],
      ['MetaMF', 'MetaMF-SM', [1, 2], 24],
      ['MetaMF-SI', 'MetaMF-SM', [1, 2], 24],
    ]);
    for (const { mae, mse } of result.comparisons) for (const { p } of [mae, mse]) expect(p >= 0 && p <= 1).toBe(true);
    expect(result).toMatchObject({ quick: false, missing: [], data: { measured: false, title: null, users: 24 } });
    const runs = result.lines.flatMap((line) => line.runs);
    expect(new Set(runs.map(({ digest }) => digest)).size).toBe(6);
    const page = readFileSync(join(cwd, 'results', 'paper', 'table3-synthetic.html'), 'utf8');
    for (const { digest, best } of runs) {
      expect(page).toContain(digest);
      expect(page).toContain(best.mse!.toFixed(4));
    }
    expect(out).toContain('MetaMF against MetaMF-SI');
    expect(out).toMatch(/^ +results\/paper\/table3-synthetic\.html$/m);

    // The command beside a figure gives the run of that figure.
    const si = result.lines[1]!.runs[1]!;
    const alone = si.command.replaceAll("'", '').split(' ').slice(2);
    const again = await metafleet([...alone, '--quiet', '--metrics.enabled', 'false', '--baselines', 'false'], { cwd });
    expect(again.out).toContain(si.digest);

    // What is finished is not trained again, and tells the same.
    const folder = join(cwd, 'results', 'paper-runs');
    const times = () => readdirSync(folder).map((run) => statSync(join(folder, run, 'summary.json')).mtimeMs);
    const before = times();
    expect(await metafleet(words, { cwd })).toEqual({ code: 0, err: '', out, signal: null });
    expect(times()).toEqual(before);
    expect(resultIn(cwd, 'table3-synthetic')).toEqual(result);
  });

  it('is stopped by Ctrl-C with the table so far, and continued by the same command', async () => {
    const cwd = await temporaryFolder();
    const words = ['paper', 'groups', ...SMALL, '--epochs', '100', '--seeds', '1,2'];
    const stopped = launch(words, { cwd });
    await stopped.said(/epoch 3\/100/);
    stopped.kill('SIGINT');
    const { code, out } = await stopped.ended;
    expect(code).toBe(130);
    expect(out).toContain('not trained yet: MetaMF, seed 1; MetaMF, seed 2 (the same command continues)');
    expect(resultIn(cwd, 'groups-synthetic').missing).toHaveLength(2);

    const continued = await metafleet(words, { cwd });
    expect(continued.code).toBe(0);
    expect(continued.err).toMatch(/^resumed after round \d/m);
    const whole = await metafleet([...words, '--quiet', '--runs', 'elsewhere', '--out', 'other'], { cwd });
    const digests = ({ lines }: TableResult) => lines.flatMap(({ runs }) => runs.map(({ digest }) => digest));
    expect(whole.code).toBe(0);
    expect(digests(resultIn(cwd, 'groups-synthetic'))).toEqual(
      digests(JSON.parse(readFileSync(join(cwd, 'other', 'groups-synthetic.json'), 'utf8')) as TableResult),
    );
  });

  it('marks quick results as no measurement, under a name of their own', async () => {
    const cwd = await temporaryFolder();
    const { code, out } = await metafleet(['paper', 'table2', ...SMALL, '--quick', '--quiet'], { cwd });
    expect(code).toBe(0);
    expect(out).toContain('These figures are no measurement');
    const { lines, baselines, comparisons } = resultIn(cwd, 'table2-synthetic-quick');
    expect(lines.map(({ label, runs }) => [label, runs[0]!.rounds])).toEqual([
      ['MetaMF', 40],
      ['FedAvg', 40],
    ]);
    expect(baselines.map(({ label }) => label)).toEqual(['global mean', 'user mean', 'biased baseline', 'matrix factorization']);
    expect(comparisons.map(({ second }) => second)).toEqual(baselines.map(({ label }) => label));
  });

  it.each([
    [
      ['paper', 'table3', '--data', 'synthetic:users=24,items=20,ratings=300', '--seeds', '1,1'],
      'flag --seeds: expected distinct whole numbers',
    ],
    [['paper', 'table3'], "required option '--data <place>' not specified"],
    [['paper', 'table3', '--data', 'nowhere'], 'nowhere'],
    [['paper', 'table3', ...SMALL, '--cohort', '25'], 'key cohort: expected at most the fleet’s 24 devices, found 25'.replace('’', "'")],
    [['paper', 'table9'], 'table9'],
  ])('case %#: refuses bad input in one line, before anything is trained', async (words, complaint) => {
    const cwd = await temporaryFolder();
    const { code, out, err } = await metafleet(words, { cwd });
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toContain(complaint);
    expect(err.trimEnd().split('\n').at(-1)).toMatch(/^metafleet: /);
    expect(readdirSync(cwd)).not.toContain('results');
  });
});
