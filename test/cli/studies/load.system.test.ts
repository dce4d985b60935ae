import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { launch, metafleet, temporaryFolder } from '../../support/cli/command.js';

const SCENARIOS = resolve(import.meta.dirname, '../../../scripts/load');
const SMOKE = join(SCENARIOS, 'smoke.yaml');

const TINY = `
description: tiny
base:
  data: synthetic:users=24,items=20,ratings=300
  cohort: 8
  sampling: uniform
  threads: 1
  metrics: { enabled: false }
  metamf: { userEmbedding: 4, collaborative: 4, hidden: 6, lowRank: 4, itemEmbedding: 4, units: 2 }
`;

const tiny = async (rest: string): Promise<string> => {
  const cwd = await temporaryFolder();
  await writeFile(join(cwd, 'tiny.yaml'), `${TINY}${rest}`);
  return cwd;
};

const jsonOf = async (
  cwd: string,
): Promise<{ digest: string; error: string | null; metrics: Record<string, Record<string, number | null>> }> => {
  const folder = (await readdir(join(cwd, 'results'))).filter((name) => !name.includes('reference'));
  expect(folder).toHaveLength(1);
  return JSON.parse(await readFile(join(cwd, 'results', folder[0]!, 'load.json'), 'utf8'));
};

describe('metafleet load', () => {
  it('passes the shipped smoke scenario, with the same digest and the same virtual time on 1 and 4 threads', async () => {
    const runs = await Promise.all(
      [1, 4].map(async (threads) => {
        const cwd = await temporaryFolder();
        const { code, out, err } = await metafleet(['load', SMOKE, '--quiet', '--set', `threads=${threads}`], { cwd });
        expect([code, err], out).toEqual([0, '']);
        expect(out).toMatch(/^ {2}✓ rejected: rate>0\.02 /m);
        const { digest, metrics } = await jsonOf(cwd);
        const { rejected, dropped, refused, late, trained, duplicates, round_virtual, device_virtual, virtual_time } = metrics;
        const { count } = duplicates!;
        return { digest, rejected, dropped, refused, late, trained, count, round_virtual, device_virtual, virtual_time };
      }),
    );
    expect(runs[1]).toEqual(runs[0]);
  });

  it('exits with 99 and names the thresholds that no run could meet', async () => {
    const cwd = await tiny('stages: [{ for: 3 rounds }]\nthresholds: { rounds: ["count==3"], round_latency: ["p(95)<0ms", "max>=0"] }\n');
    const { code, out, err } = await metafleet(['load', 'tiny.yaml', '--quiet'], { cwd });
    expect([code, err.trim()]).toEqual([99, 'metafleet: thresholds crossed: round_latency: p(95)<0ms']);
    expect(out).toMatch(/^ {2}✗ round_latency: p\(95\)<0ms /m);
    expect(out).toMatch(/^ {2}✓ rounds: count==3 /m);
  });

  it('holds the error against that of its reference run', async () => {
    const cwd = await tiny('stages: [{ for: 3 rounds }]\nreference: { optimizer.rate: 0.5 }\nthresholds: { mse_ratio: ["value!=1"] }\n');
    const { code, out } = await metafleet(['load', 'tiny.yaml', '--quiet'], { cwd });
    expect(code, out).toBe(0);
    const { mse, mse_ratio } = (await jsonOf(cwd)).metrics;
    expect(mse_ratio!['value']! * (mse!['value']! / mse_ratio!['value']!)).toBeCloseTo(mse!['value']!);
    expect(await readdir(join(cwd, 'results'))).toHaveLength(2);
  });

  it('ends with the stages, in wall time, too, and after its round at Ctrl-C', async () => {
    const stages = 'stages: [{ for: 1 h wall, cohort: 16 }]\nthresholds: { rounds: ["count>0"] }\n';
    const short = await metafleet(['load', 'tiny.yaml', '--quiet', '--duration', '1 s wall'], { cwd: await tiny(stages) });
    expect([short.code, short.out.includes('completed after round')], short.err).toEqual([0, true]);
    const cwd = await tiny(stages);
    const long = launch(['load', 'tiny.yaml'], { cwd });
    await long.said(/epoch \d+/);
    long.kill('SIGINT');
    const { code, out } = await long.ended;
    expect([code, out.includes('interrupted after round')]).toEqual([130, true]);
  });

  it.each([
    [
      'thresholds: { mse: ["value<x"] }\n',
      [],
      /^metafleet: tiny\.yaml:\d+, key thresholds\.mse\.0: expected statistic, comparison and number/,
    ],
    [
      'thresholds: { mse: ["value<1"] }\nstages: [{ for: 3 h }]\n',
      [],
      /^metafleet: key fleet\.profiles: expected profiles, as stages count virtual time, found none$/,
    ],
    [
      'thresholds: { mse: ["value<1"] }\nstages: [{ for: 3 rounds, devices: 99 }]\n',
      [],
      /^metafleet: key stages\.list: expected at most the fleet's 24 devices, found 99$/,
    ],
    [
      'thresholds: { mse: ["value<1"] }\nperturbations: { delayed: 1 }\n',
      [],
      /^metafleet: key fleet\.profiles: expected profiles, as perturbations\.delayed is about/,
    ],
    ['thresholds: { mse: ["value<1"] }\n', ['--set', 'cohort'], /^metafleet: flag --set: expected key=value, found "cohort"$/],
    ['thresholds: { mse: ["value<1"] }\n', ['--set', 'cohort=none'], /^metafleet: flag --set cohort: expected a number, found "none"$/],
  ])('refuses %j %j with one line and exit code 1', async (rest, flags, message) => {
    const { code, err } = await metafleet(['load', 'tiny.yaml', '--quiet', ...flags], { cwd: await tiny(rest) });
    expect([code, err.trim()]).toEqual([1, expect.stringMatching(message)]);
  });
});
