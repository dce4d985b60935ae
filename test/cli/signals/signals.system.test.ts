import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { interruptAt, planPoints, undisturbed } from '../../../scripts/signals/interrupted-run.js';
import { SMALL, temporaryFolder } from '../../support/cli/command.js';

const MAIN = createRequire(import.meta.url).resolve('#built/src/cli/main.js');
const ENDLESS = ['run', ...SMALL, '--baselines', 'false', '--name', 'it', '--epochs', '100000', '--checkpoint.best', 'false'];

/** A process group of its own, as a shell with job control gives each command. */
const group = (command: string, words: readonly string[], cwd: string) => {
  const child = spawn(command, words, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, CI: 'true' } });
  const signal = (name: NodeJS.Signals): void => {
    try {
      process.kill(-child.pid!, name);
    } catch {
      // All of them have ended.
    }
  };
  let out = '';
  let err = '';
  const ended = new Promise<{ code: number | null; out: string; err: string }>((settle) =>
    child.once('close', (code) => settle({ code, out, err })),
  );
  onTestFinished(async () => {
    signal('SIGKILL');
    await ended;
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  const looking = new Set<() => void>();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    for (const look of looking) look();
  });
  /** Resolves when an epoch has ended. */
  const epoch = (number: number): Promise<void> =>
    new Promise((settle, reject) => {
      looking.add(() => {
        if (err.includes(`\nepoch ${number}/`)) settle();
      });
      void ended.then(() => reject(new Error(`it ended before epoch ${number}: ${err}`)));
    });
  return { signal, epoch, ended };
};

describe('a signal', () => {
  it('ends a run with what it has, at whatever moment it comes, and nothing half-written stays', async () => {
    const whole = await undisturbed();
    const verdicts = [];
    for (const point of planPoints(5, 9)) verdicts.push({ ...point, ...(await interruptAt(point, whole)) });
    expect(verdicts.filter(({ problem }) => problem !== undefined)).toEqual([]);
  });

  it.each(['bash', 'sh'])('that npm passes on to its child (script shell %s) is one press of Ctrl-C', async (shell) => {
    const cwd = await temporaryFolder();
    const go = [process.execPath, MAIN, ...ENDLESS].map((word) => `'${word}'`).join(' ');
    await writeFile(join(cwd, 'package.json'), JSON.stringify({ private: true, scripts: { go } }));
    const run = group('npm', ['run', 'go', '--script-shell', shell], cwd);
    await run.epoch(1);
    run.signal('SIGINT');
    const { out, err } = await run.ended;
    expect(err).toContain('stopping after this round, with a checkpoint');
    expect(out).toMatch(/^end +interrupted$/m);
    const files = readdirSync(join(cwd, 'results', 'it'));
    expect(files).toEqual(expect.arrayContaining(['last.checkpoint', 'summary.json']));
    expect(files.filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it.each([
    ['nohup', 'bash', ['-c', 'nohup "$@"; exit $?', 'bash', process.execPath, MAIN]],
    ['a shell that ignores it', 'sh', ['-c', 'trap "" HUP; "$@"; exit $?', 'sh', process.execPath, MAIN]],
  ])('of a closed terminal does not end what %s started', async (_, command, words) => {
    const cwd = await temporaryFolder();
    const run = group(command, [...words, ...ENDLESS], cwd);
    await run.epoch(1);
    run.signal('SIGHUP');
    // A signal that is not ignored ends the run after the round it is in.
    await run.epoch(40);
    run.signal('SIGINT');
    expect((await run.ended).out).toMatch(/^end +interrupted$/m);
    expect(existsSync(join(cwd, 'results', 'it', 'last.checkpoint'))).toBe(true);
  });
});
