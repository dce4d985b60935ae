import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metafleet, SMALL, temporaryFolder } from '../support/cli/command.js';

const FLEET = ['--data', 'synthetic:users=60,items=30,ratings=1500', '--epochs', '3', '--quiet', '--baselines', 'false'];

describe('metafleet report', () => {
  it('writes one file about a run, with what its folder holds', async () => {
    const cwd = await temporaryFolder();
    await metafleet(['run', ...SMALL, ...FLEET, '--fleet.profiles', 'mix', '--name', 'one'], { cwd });
    expect(await metafleet(['report', 'results/one', '--out', 'one.html'], { cwd })).toMatchObject({ code: 0, out: 'one.html\n' });
    const page = readFileSync(join(cwd, 'one.html'), 'utf8');
    const summary = JSON.parse(readFileSync(join(cwd, 'results/one/summary.json'), 'utf8')) as {
      digest: string;
      test: { best: { mse: number } };
      asked: { assigned: number };
      fleet: { profiles: { name: string; assigned: number }[] };
    };
    expect(summary.fleet.profiles.reduce((sum, { assigned }) => sum + assigned, 0)).toBe(summary.asked.assigned);
    expect(page).toMatch(/No device used more than 1 % of its memory, storage/);
    for (const { name } of summary.fleet.profiles) expect(page).toContain(`<th scope="row">${name}</th>`);
    expect(page).toContain(summary.test.best.mse.toFixed(4));
    expect(page).toContain(summary.digest.slice(0, 16));
    const sections = [
      'At a glance',
      'Learning',
      'MSE against bytes',
      'Latency',
      'Bytes',
      'Who is left out',
      'Outcomes of devices',
      'Virtual time',
      'By device class',
      'Budgets',
      'Environment',
      'Configuration',
    ];
    for (const title of [...sections, 'Data']) expect(page).toContain(`>${title}</h2>`);
    for (const title of [
      'Held-out MSE',
      'Held-out MAE',
      'MSE against bytes',
      'Time of a round',
      'Bytes up in a round',
      'MSE by activity',
      'Latency of answers',
      'Battery',
    ])
      expect(page).toContain(`>${title}</title>`);
    const rounds = /download="one-rounds\.csv" href="data:text\/csv;charset=utf-8;base64,([^"]+)"/.exec(page)![1]!;
    const lines = Buffer.from(rounds, 'base64').toString().trim().split('\r\n');
    expect(lines).toHaveLength(1 + readFileSync(join(cwd, 'results/one/rounds.ndjson'), 'utf8').trim().split('\n').length);
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
    // The same input, the same bytes.
    await metafleet(['report', 'results/one', '--out', 'again.html'], { cwd });
    expect(readFileSync(join(cwd, 'again.html'), 'utf8')).toBe(page);
  });

  it('compares runs on the same ratings, device by device, and says which it cannot compare', async () => {
    const cwd = await temporaryFolder();
    for (const [name, more] of [
      ['one', []],
      ['same', []],
      ['other', ['--seed', '2']],
    ] as const)
      await metafleet(['run', ...SMALL, ...FLEET, '--name', name, ...more], { cwd });
    expect((await metafleet(['report', 'results/one', 'results/same', 'results/other', '--out', 'all.html'], { cwd })).code).toBe(0);
    const page = readFileSync(join(cwd, 'all.html'), 'utf8');
    const section = (id: string): string => new RegExp(`<section id="${id}"[\\s\\S]*?</section>`).exec(page)![0];
    const cells = [...section('significance').matchAll(/<t[hd]\b[^>]*>([^<]*)<\/t[hd]>/g)].map(([, text]) => text).slice(6);
    expect(cells).toEqual(['MAE', 'MSE'].flatMap((metric) => ['one', 'same', metric, '60', '0.0000', '1.000']));
    expect(section('significance')).toContain('one and other were tested on different ratings');
    expect(page).not.toContain('By device class');
    expect(section('configuration')).toMatch(/<th scope="row">seed<\/th><td>1<\/td><td>1<\/td><td>2<\/td>/);
    await metafleet(['report', 'results/one', 'results/same', '--no-significance', '--out', 'quick.html'], { cwd });
    expect(readFileSync(join(cwd, 'quick.html'), 'utf8')).not.toMatch(/significance/i);
  });

  it('says in one line what is no run', async () => {
    const cwd = await temporaryFolder();
    const { code, err } = await metafleet(['report', 'nowhere'], { cwd });
    expect([code, err]).toEqual([1, 'metafleet: nowhere: expected the folder of a run, found no config.yaml in it\n']);
  });
});
