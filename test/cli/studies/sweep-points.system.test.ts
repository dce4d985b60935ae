import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { launch, MAIN, metafleet } from '../../support/cli/command.js';
import { folderOf } from '../../support/data/data-files.js';

const SWEEP = `
base:
  data: synthetic:users=24,items=20,ratings=300
  cohort: 8
  threads: 1
  epochs: 100000
  rounds: 500
  patience: 0
  evaluation: { every: 0 }
  checkpoint: { every: 0.0005 }
  metamf: { userEmbedding: 4, collaborative: 4, hidden: 6, lowRank: 4, itemEmbedding: 4, units: 2 }
grid: { seed: [1, 2, 3] }
curves: [{ x: seed, y: bytesUpPerRound }]
`;

const folderWithSweep = (): Promise<string> => folderOf({ 'tiny.yaml': SWEEP });

/** What does not depend on how long anything took. */
const resultsOf = async (cwd: string): Promise<unknown> =>
  (await readFile(join(cwd, 'results/sweep-tiny/points.ndjson'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .map(({ point, seed, rounds, reason, digest }) => ({ point, seed, rounds, reason, digest }));

it('points run one by one, side by side and after a kill, and collected, are the sweep in one process', async () => {
  const [whole, parts] = [await folderWithSweep(), await folderWithSweep()];
  const reference = await metafleet(['sweep', 'tiny.yaml', '--no-predict'], { cwd: whole });
  expect(reference.code, reference.err).toBe(0);

  // The last point is killed, without a chance to say so, when it has a checkpoint to go on from.
  const runs = join(parts, 'results/sweep-tiny/runs');
  const killed = launch(['sweep', 'tiny.yaml', '--point', '2'], { cwd: parts });
  const [, name = ''] = await killed.said(/point 2, of 3 points: (\S+)\n/);
  while (!(await readdir(join(runs, name)).catch((): string[] => [])).includes('last.checkpoint'))
    await new Promise((go) => setTimeout(go, 20));
  killed.kill('SIGKILL');
  await killed.ended;

  const some = await metafleet(['sweep', 'tiny.yaml', '--collect'], { cwd: parts });
  expect([some.code, some.err.match(/point \d has not ended: /g)?.length]).toEqual([1, 3]);

  const words = ['sweep', 'tiny.yaml', '--point'];
  const count = await metafleet(['sweep', 'tiny.yaml', '--count'], { cwd: parts });
  expect(count.out).toBe('3\n');
  const script = `seq 0 2 | xargs -P 2 -I {} '${process.execPath}' '${MAIN}' ${words.join(' ')} {}`;
  await promisify(execFile)('sh', ['-c', script], { cwd: parts });
  const collected = await metafleet(['sweep', 'tiny.yaml', '--collect'], { cwd: parts });
  expect(collected.code, collected.err).toBe(0);
  expect(collected.out).toMatch(/3 of 3 runs in results\/sweep-tiny\/points\.csv and points\.ndjson; finished\n$/);
  expect(await resultsOf(parts)).toEqual(await resultsOf(whole));

  const summary = JSON.parse(await readFile(join(runs, name, 'summary.json'), 'utf8')) as { resumedFrom: number[] };
  expect(summary.resumedFrom).toHaveLength(1);

  // A finished point is not run again, and says what it found.
  const again = await metafleet([...words, '0', '--json'], { cwd: parts });
  expect([again.code, again.err]).toEqual([0, '']);
  expect(JSON.parse(again.out)).toMatchObject({ seed: 1, rounds: 500, reason: 'completed' });
});

it.each([['3'], ['-1'], ['first'], ['1.5']])('--point %s is refused by name', async (point) => {
  const { code, err } = await metafleet(['sweep', 'tiny.yaml', `--point=${point}`], { cwd: await folderWithSweep() });
  expect([code, err]).toEqual([
    1,
    `metafleet: flag --point: expected a whole number from 0 to 2, the points of the sweep, found "${point}"\n`,
  ]);
});
