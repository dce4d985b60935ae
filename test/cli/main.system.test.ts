import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { metafleet, temporaryFolder } from '../support/cli/command.js';

const run = async (...words: string[]) => metafleet(words, { cwd: await temporaryFolder() });

it('tells its version', async () => {
  const { version } = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string };
  expect(await run('--version')).toMatchObject({ code: 0, out: `${version}\n`, err: '' });
});

it('without a command shows what there is, and fails', async () => {
  const { code, out, err } = await run();
  expect({ code, out }).toEqual({ code: 1, out: '' });
  for (const command of ['run', 'data']) expect(err).toMatch(new RegExp(`^ {2}${command} `, 'm'));
});

it('run --help has a flag for every key of the configuration', async () => {
  const { code, out } = await run('run', '--help');
  expect(code).toBe(0);
  for (const flag of [
    '--config <file>',
    '--resume <folder>',
    '--name <run>',
    '--cohort <value>',
    '--metamf.hidden <value>',
    '--optimizer.decayOf <value>',
  ])
    expect(out).toContain(`  ${flag}`);
});

it('data list needs neither network nor cache', async () => {
  const { code, out, err } = await metafleet(['data', 'list'], {
    cwd: await temporaryFolder(),
    env: { METAFLEET_CACHE: '/dev/null/nothing' },
  });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^ml-small +671 +9,066 +100,004 /m);
});

it('data describe reports on stdout alone', async () => {
  const { code, out, err } = await run('data', 'describe', 'synthetic:users=30,items=20');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^users +30$/m);
});
