import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { launch, metafleet } from '../../support/cli/command.js';
import { folderOf } from '../../support/data/data-files.js';

const BASE = `
base:
  cohort: 8
  threads: 1
  epochs: 1000
  rounds: 4
  patience: 0
  evaluation: { every: 0 }
  metamf: { userEmbedding: 4, collaborative: 4, hidden: 6, lowRank: 4, itemEmbedding: 4, units: 2 }
`;
const DATA = ['synthetic:users=24,items=20,ratings=300', 'synthetic:users=48,items=20,ratings=600'];

const folderWith = (text: string): Promise<string> => folderOf({ 'tiny.yaml': text });

const rowsOf = async (cwd: string): Promise<Record<string, unknown>[]> =>
  (await readFile(join(cwd, 'results/sweep-tiny/points.ndjson'), 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('metafleet sweep', () => {
  it('runs every point, writes both tables and a curve, and runs no finished point again', async () => {
    const text = `${BASE}grid: { data: ${JSON.stringify(DATA)} }\ncurves: [{ x: devices, y: bytesUpPerRound }]\n`;
    const cwd = await folderWith(text);
    const first = await metafleet(['sweep', 'tiny.yaml', '--no-predict'], { cwd });
    expect(first.code, first.err).toBe(0);
    expect(first.out).toMatch(/bytesUpPerRound grows as devices\^-?\d\.\d\d/);
    const rows = await rowsOf(cwd);
    expect(rows.map(({ devices, rounds, reason }) => [devices, rounds, reason])).toEqual(
      [24, 48].map((devices) => [devices, 4, 'completed']),
    );
    for (const { digest, roundMillis, roundCpuMillis, memoryBytes, seconds } of rows) {
      expect(digest).toMatch(/^[0-9a-f]{64}$/);
      for (const value of [roundMillis, roundCpuMillis, memoryBytes, seconds]) expect(value).toBeGreaterThan(0);
    }
    const csv = (await readFile(join(cwd, 'results/sweep-tiny/points.csv'), 'utf8')).split('\r\n');
    expect(csv[1]).toContain(`"${DATA[0]}"`);
    expect(await readFile(join(cwd, 'results/sweep-tiny/bytesUpPerRound-by-devices.svg'), 'utf8')).toMatch(
      /^<svg .*bytesUpPerRound against devices/s,
    );

    const folder = join(cwd, 'results/sweep-tiny/runs', String(rows[0]!['point']), 'summary.json');
    const before = (await stat(folder)).mtimeMs;
    await writeFile(join(cwd, 'tiny.yaml'), text.replace('data: [', `data: ["${DATA[0]!.replace('24', '32')}", `));
    const second = await metafleet(['sweep', 'tiny.yaml', '--no-predict'], { cwd });
    expect(second.err.match(/run \d+ of 3/g)).toEqual(['run 1 of 3']);
    expect((await rowsOf(cwd)).map(({ devices }) => devices)).toEqual([32, 24, 48]);
    expect((await stat(folder)).mtimeMs).toBe(before);
  });

  it('predicts from short runs, tells afterwards how far off it was, and --plan runs no point', async () => {
    const cwd = await folderWith(`${BASE}grid: { cohort: [8, 16] }\n`.replace('base:', `base:\n  data: ${DATA[1]}`));
    const plan = await metafleet(['sweep', 'tiny.yaml', '--plan'], { cwd });
    expect(plan.code, plan.err).toBe(0);
    expect(plan.out).toMatch(/^cohort-8-seed-1-\w+ +4 +[\d.]+ [mu]?s +[\d.]+ m?s +[\d.]+ kB +[\d.]+ kB +\d+ MB$/m);
    expect(plan.out).toMatch(/^in all: 2 runs, /m);
    await expect(rowsOf(cwd)).rejects.toThrow('ENOENT');

    const swept = await metafleet(['sweep', 'tiny.yaml'], { cwd });
    expect(swept.err).not.toContain('calibrating');
    expect(swept.out).toMatch(/^within 25 % /m);
    for (const row of await rowsOf(cwd)) {
      const predicted = Number(row['predictedBytesDownPerRound']);
      expect(Math.abs(predicted / Number(row['bytesDownPerRound']) - 1)).toBeLessThan(0.25);
    }
  });

  it('ends after the round it is in at Ctrl-C, and the same command goes on from there to the same result', async () => {
    const long = `${BASE.replace('rounds: 4', 'rounds: 3000')}  data: ${DATA[0]}\ngrid: { seed: [3] }\n`;
    const cwd = await folderWith(long);
    const sweep = launch(['sweep', 'tiny.yaml', '--no-predict'], { cwd });
    const lines = join(cwd, 'results/sweep-tiny/runs');
    const [, name = ''] = await sweep.said(/run 1 of 1: (\S+)\n/);
    while (!(await readFile(join(lines, name, 'rounds.ndjson'), 'utf8').catch(() => '')).includes('\n'))
      await new Promise((go) => setTimeout(go, 50));
    sweep.kill('SIGINT');
    const { code, out } = await sweep.ended;
    expect([code, out.includes('interrupted after')]).toEqual([130, true]);

    const rest = await metafleet(['sweep', 'tiny.yaml', '--no-predict'], { cwd });
    expect(rest.code, rest.err).toBe(0);
    const [row] = await rowsOf(cwd);
    expect(row).toMatchObject({ rounds: 3000, reason: 'completed' });
    const summary = JSON.parse(await readFile(join(lines, name, 'summary.json'), 'utf8')) as { resumedFrom: number[] };
    expect(summary.resumedFrom).toHaveLength(1);
  });

  it('refuses a point that its data cannot serve before anything is run', async () => {
    const cwd = await folderWith(`${BASE}grid: { cohort: [8, 25] }\n`.replace('base:', `base:\n  data: ${DATA[0]}`));
    const { code, err } = await metafleet(['sweep', 'tiny.yaml'], { cwd });
    expect([code, err.trim().split('\n').at(-1)]).toEqual([1, "metafleet: key cohort: expected at most the fleet's 24 devices, found 25"]);
    const missing = await metafleet(['sweep', 'none.yaml'], { cwd });
    expect([missing.code, missing.err]).toEqual([
      1,
      expect.stringMatching(/^metafleet: none\.yaml: expected a readable sweep file, found ENOENT/),
    ]);
  });
});
