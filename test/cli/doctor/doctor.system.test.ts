import { createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import type { Finding } from '../../../src/cli/doctor/findings.js';
import { metafleet, temporaryFolder } from '../../support/cli/command.js';

/** What a command says on stderr, without the lines with which newer versions of libtensorflow announce themselves. */
const own = (err: string) => err.replace(/^(WARNING: All log messages before absl|[IW]\d{4} ).*\n/gm, '');

it('doctor ends with 1 for a problem, and says in both forms what to do about it', async () => {
  const cwd = await temporaryFolder();
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const words = ['doctor', '--port', String(port)];
  const where = { cwd, env: { METAFLEET_CACHE: '/dev/null/cache', HTTPS_PROXY: 'me:secret' } };
  const [text, json] = await Promise.all([metafleet(words, where), metafleet([...words, '--json'], where)]);
  expect([text.code, json.code, own(json.err)]).toEqual([1, 1, '']);
  const { ok, findings } = JSON.parse(json.out) as { ok: boolean; findings: readonly Finding[] };
  const problems = findings.filter(({ state }) => state === 'problem');
  expect([ok, problems.map(({ check }) => check)]).toEqual([false, ['port', 'cache', 'proxy']]);
  for (const { check, found, advice } of problems) {
    expect(text.out).toMatch(new RegExp(`^problem +${check} `, 'm'));
    expect(text.out).toContain(found);
    expect(text.out).toContain(`→ ${advice}`);
  }
  expect(text.out + json.out).not.toContain('secret');
});

it('doctor finds this machine fit, or says why not, and leaves nothing behind', async () => {
  const cwd = await temporaryFolder();
  const { code, out, err } = await metafleet(['doctor', '--json'], { cwd });
  expect(own(err)).toBe('');
  const { ok, findings } = JSON.parse(out) as { ok: boolean; findings: readonly Finding[] };
  expect(code).toBe(ok ? 0 : 1);
  for (const { state, advice } of findings) expect(advice === null).toBe(state === 'ok');
  expect(await metafleet(['doctor', '--port', '70000'], { cwd })).toMatchObject({ code: 1, err: expect.stringContaining('flag --port') });
});
