import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BytesResult } from '../../../src/studies/paper/bytes-study.js';
import type { Figure2Result } from '../../../src/studies/paper/figure2.js';
import type { TableResult } from '../../../src/studies/paper/table-result.js';
import { spreadOf } from '../../../src/studies/statistics.js';
import { launch, metafleet, SMALL, temporaryFolder } from '../../support/cli/command.js';

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
    for (const { digest, best, cpuMillis } of runs) {
      expect(cpuMillis).toBeGreaterThan(0);
      expect(page).toContain(digest);
      expect(page).toContain(best.mse!.toFixed(4));
    }
    expect(out).toContain('MetaMF against MetaMF-SI');
    expect(out).toMatch(/^ +results\/paper\/table3-synthetic\.html$/m);

    // The command of a figure gives the run of that figure.
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
    const words = ['paper', 'groups', ...SMALL, '--epochs', '40', '--seeds', '1,2'];
    const stopped = launch(words, { cwd });
    await stopped.said(/epoch 3\/40/);
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
      ['FedAvg, untuned', 40],
    ]);
    expect(baselines.map(({ label }) => label)).toEqual(['global mean', 'user mean', 'biased baseline', 'matrix factorization']);
    expect(comparisons.map(({ second }) => second)).toEqual(baselines.map(({ label }) => label));
  });

  it('reads regimes at their epochs, its own and those of runs that were trained otherwise', async () => {
    const cwd = await temporaryFolder();
    const plain = ['--metamf.centring', 'none', '--metamf.itemOffset', 'none', '--metamf.dropout', '0'];
    const other = [
      'run',
      ...SMALL,
      ...plain,
      '--ratings',
      '1',
      '--sampling',
      'activity',
      '--cohort',
      '8',
      '--epochs',
      '2',
      '--name',
      'other',
    ];
    expect((await metafleet([...other, '--quiet', '--baselines', 'false', '--metrics.enabled', 'false'], { cwd })).code).toBe(0);
    const words = ['paper', 'bytes', ...SMALL, '--epochs', '3', '--quiet', '--include', 'results/other'];
    const { code, out } = await metafleet(words, { cwd });
    expect(code).toBe(0);
    const result = JSON.parse(readFileSync(join(cwd, 'results', 'paper', 'bytes-synthetic.json'), 'utf8')) as BytesResult;
    const { regimes, authors, data } = result;
    // The page names what a regime adds to the paper's model. The command line of this one turned these additions off.
    const added = ['private centring on the device', 'a generated item offset', 'dropout of 0.2'];
    expect(regimes.map(({ additions }) => additions)).toEqual([[], added]);
    const perEpoch = Math.ceil(data.ratings.train / 64);
    expect(authors).toEqual({ roundsPerEpoch: perEpoch, epochs: 100, rounds: 100 * perEpoch });
    expect(regimes.map(({ label, curve }) => [label, curve.map(({ epoch }) => epoch)])).toEqual([
      ['other', [1, 2]],
      ['default configuration', [1, 2, 3]],
    ]);
    const rounds = readFileSync(join(cwd, 'results', 'other', 'rounds.ndjson'), 'utf8')
      .trimEnd()
      .split('\n');
    const down = rounds.reduce((sum, line) => sum + (JSON.parse(line) as { bytesDown: number }).bytesDown, 0);
    expect(regimes[0]!.curve.at(-1)!.bytesDown).toBe(down);
    // An epoch of the other run, one rating a device, takes more rounds than a hundredth of the authors'.
    expect(regimes[0]!.within).toMatchObject({ hundredth: null, tenth: { epoch: 1 } });
    expect(regimes[1]!.within.hundredth).toMatchObject({ epoch: 1, round: 3 });
    expect(out).toContain(`within ${perEpoch} rounds (1/100)`);
  });

  it('draws what is generated for each user, the same for the same seed', async () => {
    const cwd = await temporaryFolder();
    const words = ['paper', 'figure2', ...SMALL, '--epochs', '2', '--quiet'];
    expect((await metafleet(words, { cwd })).code).toBe(0);
    const file = (name: string) => readFileSync(join(cwd, 'results', 'paper', `figure2-synthetic.${name}`), 'utf8');
    const names = ['json', 'html', 'weights.svg', 'items.svg'];
    const before = names.map(file);
    const result = JSON.parse(before[0]!) as Figure2Result;
    for (const addition of result.run.additions) expect(before[1]).toContain(addition);
    expect(result.run.additions).toHaveLength(3);
    expect([result.weights.points.length, result.embeddings.points.length, result.activity.length]).toEqual([24, 24, 24]);
    // w1 (4 × 2), b1 (2), w2 (2), b2 (1); an item embedding has 4.
    expect([result.weights.dimensions, result.embeddings.dimensions]).toEqual([13, 4]);
    for (const { points } of [result.weights, result.embeddings]) {
      for (const axis of [0, 1]) {
        const values = points.map((point) => point[axis]!);
        expect(spreadOf(values).mean).toBeCloseTo(0, 3);
        expect(spreadOf(values).deviation).toBeCloseTo(1, 3);
      }
    }
    expect(before[2]).toMatch(/^<svg /);
    expect((await metafleet(words, { cwd })).code).toBe(0);
    expect(names.map(file)).toEqual(before);
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
