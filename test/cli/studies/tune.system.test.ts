import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TrialLine } from '../../../src/studies/tuning/tune.js';
import { launch, metafleet, SMALL, temporaryFolder } from '../../support/cli/command.js';

const SPEC = `space:
  optimizer.rate: { from: 0.0005, to: 0.02, scale: log }
  optimizer.decayOf.U: [0, 0.001]
trials: 4
least: 1
factor: 2
most: 4
`;

const trialsIn = (folder: string): readonly TrialLine[] =>
  readFileSync(join(folder, 'trials.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as TrialLine);

describe('metafleet tune', () => {
  it('trains on what does best by validation, and ends with the flags that train the winner', async () => {
    const cwd = await temporaryFolder();
    writeFileSync(join(cwd, 'spec.yaml'), SPEC);
    const words = ['tune', 'spec.yaml', ...SMALL, '--optimizer.schedule', 'cosine', '--optimizer.scheduleBy', 'round', '--quiet'];
    const first = await metafleet(words, { cwd });
    expect({ code: first.code, err: first.err }).toEqual({ code: 0, err: '' });
    const folder = join(cwd, 'results', 'tune');
    const lines = trialsIn(folder);
    expect(lines.map(({ rung, epochs, trained }) => [rung, epochs, trained])).toEqual([
      ...[1, 1, 1, 1].map(() => [1, 1, 1]),
      ...[2, 2].map(() => [2, 2, 2]),
      [3, 4, 4],
    ]);
    const rung = (number: number) => lines.filter((line) => line.rung === number);
    const byError = rung(1).toSorted((a, b) => a.valid! - b.valid!);
    expect(new Set(rung(2).map(({ trial }) => trial))).toEqual(new Set(byError.slice(0, 2).map(({ trial }) => trial)));
    const winner = rung(3)[0]!;
    expect(winner.trial).toBe(rung(2).toSorted((a, b) => a.valid! - b.valid!)[0]!.trial);
    expect(JSON.stringify(lines)).not.toMatch(/test/i);

    // Trained on, not anew: the winner is what its command trains in one go.
    const command = /^ {2}npx metafleet (run .*)$/m.exec(first.out)![1]!.replaceAll("'", '').split(' ');
    const whole = await metafleet([...command, '--quiet', '--metrics.enabled', 'false', '--baselines', 'false', '--name', 'whole'], {
      cwd,
    });
    const digest = (run: string): unknown =>
      (JSON.parse(readFileSync(join(cwd, 'results', run, 'summary.json'), 'utf8')) as { digest: string }).digest;
    expect(whole.code).toBe(0);
    expect(digest('whole')).toBe(digest(join('tune', winner.run)));

    // Only what may go on keeps its checkpoint; the same command has nothing left to train.
    const kept = readdirSync(folder).filter((run) => run !== 'trials.ndjson' && readdirSync(join(folder, run)).includes('last.checkpoint'));
    expect(kept).toEqual([winner.run]);
    const again = await metafleet(words, { cwd });
    expect(again).toMatchObject({ code: 0, out: first.out });
  });

  it('is stopped by Ctrl-C and continued by the same command', async () => {
    const cwd = await temporaryFolder();
    const words = ['tune', ...SMALL, '--space', 'optimizer.rate=0.001,0.01', '--search', 'grid', '--least', '30', '--most', '30'];
    const stopped = launch(words, { cwd });
    await stopped.said(/trial 0, rung 1\/1.*epoch 3\/30/);
    stopped.kill('SIGINT');
    const ended = await stopped.ended;
    expect(ended).toMatchObject({ code: 130, out: 'stopped after 0 trials; the same command continues\n' });
    const continued = await metafleet(words, { cwd });
    expect(continued.err).toMatch(/^resumed after round \d/m);
    expect(continued.code).toBe(0);
    expect(trialsIn(join(cwd, 'results', 'tune')).map(({ trained }) => trained)).toEqual([30, 30]);
  });

  it.each([
    [['tune', '--quiet'], 'flags, key space: at least one key to search'],
    [['tune', 'none.yaml'], 'none.yaml: expected a readable file that says what to search'],
    [['tune', ...SMALL, '--space', 'optimizer.rat=1,2'], 'did you mean optimizer.rate?'],
    [['tune', ...SMALL, '--space', 'cohort=8,99'], "key cohort: expected at most the fleet's 24 devices, found 99"],
    [['tune', ...SMALL, '--space', 'cohort=8', '--trials', 'x'], 'flag --trials: expected a whole number, found x'],
  ])('case %#: refuses what cannot be searched in one line, before anything is trained', async (words, complaint) => {
    const cwd = await temporaryFolder();
    const { code, err } = await metafleet(words, { cwd });
    expect(code).toBe(1);
    expect(err).toContain(complaint);
    expect(readdirSync(cwd)).not.toContain('results');
  });
});
