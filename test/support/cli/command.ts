import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';

/** `metafleet` as its users have it: the built program, in a process of its own, standing in a folder of its own. */
export const MAIN = resolve(import.meta.dirname, '../../../dist/src/cli/main.js');

/** A fleet and a model that take milliseconds an epoch; not the cosine, whose course hangs on how long a run is to be. */
export const SMALL = [
  ...['--data', 'synthetic:users=24,items=20,ratings=300', '--cohort', '8', '--threads', '2', '--patience', '0'],
  ...['--metamf.userEmbedding', '4', '--metamf.collaborative', '4', '--metamf.hidden', '6', '--metamf.lowRank', '4'],
  ...['--metamf.itemEmbedding', '4', '--metamf.units', '2'],
  ...['--optimizer.schedule', 'geometric'],
] as const;

export type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly out: string; readonly err: string };

export type Command = {
  /** Resolves when what was written to stderr so far matches. Rejects if the command ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves when something was written to stdout, or the command has ended. */
  printed(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** Closes this end of the command's stdout. */
  stopReading(): void;
  readonly ended: Promise<Ended>;
};

export const temporaryFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'metafleet-cli-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

type Where = {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Of Node itself. */
  readonly nodeFlags?: readonly string[];
};

/** Commands of this process' tests: none may outlive it, should the tests be interrupted. */
const running = new Set<ChildProcess>();
const endAll = (): void => {
  for (const child of running) child.kill('SIGKILL');
};
// `disconnect`: the program that runs the tests is gone.
process.once('exit', endAll).once('disconnect', endAll);
for (const signal of ['SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    endAll();
    process.kill(process.pid, signal);
  });

/** Starts the command, which ends with this process at the latest. */
const start = (words: readonly string[], { cwd, env = {}, nodeFlags = [] }: Where): Command => {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: npm run build`);
  const child = spawn(process.execPath, [...nodeFlags, MAIN, ...words], {
    cwd,
    env: { ...process.env, METAFLEET_CACHE: join(cwd, 'cache'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let out = '';
  let err = '';
  let looking: (() => void)[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    for (const look of looking) look();
  });
  const ended = new Promise<Ended>((settle) => child.once('close', (code, signal) => settle({ code, signal, out, err })));
  const said = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((settle, reject) => {
      const look = (): void => {
        const found = pattern.exec(err);
        if (found === null) return;
        looking = looking.filter((other) => other !== look);
        settle(found);
      };
      looking.push(look);
      look();
      void ended.then(({ code }) => reject(new Error(`ended with ${code} and never said ${pattern}: ${err}`)));
    });
  const printed = async (): Promise<void> => {
    if (out === '') await Promise.race([once(child.stdout, 'data'), ended]);
  };
  return { said, printed, kill: (signal) => child.kill(signal), stopReading: () => child.stdout.destroy(), ended };
};

/** Starts the command, which ends with the test, however that ends. Not for tests that run side by side: vitest cannot tell whose it is. */
export const launch = (words: readonly string[], where: Where): Command => {
  const command = start(words, where);
  onTestFinished(async () => {
    command.kill('SIGKILL');
    await command.ended;
  });
  return command;
};

/** Runs the command to its end: that it comes to one shows that no thread or handle keeps it. */
export const metafleet = (words: readonly string[], where: Where): Promise<Ended> => start(words, where).ended;
