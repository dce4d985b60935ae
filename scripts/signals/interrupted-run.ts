import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { random } from '../../src/base/random.js';

/** A run in a process of its own, and a signal to it at some moment between its start and a while after its end. */
export type Point = {
  readonly signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP';
  /** `twice`: as a terminal and npm do. `insist`: again and again, until the process ends. */
  readonly how: 'once' | 'twice' | 'insist';
  /** The moment, as a share of the life of a run that nobody disturbs. */
  readonly at: number;
};

/** An undisturbed run: what it comes to, and how long its process lives. */
export type Undisturbed = { readonly digest: string; readonly millis: number };

/** `nothing`: it ended before there was anything to keep. `problem`: what should not be. */
export type Verdict = { readonly end: 'nothing' | 'interrupted' | 'completed' | 'at once'; readonly problem: string | undefined };

const MAIN = createRequire(import.meta.url).resolve('#built/src/cli/main.js');
const RUN = ['--data', 'synthetic:users=24,items=20,ratings=300', '--cohort', '8', '--threads', '2', '--patience', '0', '--epochs', '6'];
const MODEL = ['userEmbedding=4', 'collaborative=4', 'hidden=6', 'lowRank=4', 'itemEmbedding=4', 'units=2'];
const WORDS = ['run', ...RUN, ...MODEL.flatMap((pair) => [`--metamf.${pair.split('=')[0]}`, pair.split('=')[1]!]), '--name', 'it'];

/** Time between the signals of somebody who insists: longer than one press. */
const INSIST_MILLIS = 600;

type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly out: string; readonly err: string };

const start = (words: readonly string[], cwd: string, disturb: (send: (signal: NodeJS.Signals) => void) => () => void): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...words], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err]: [string[], string[]] = [[], []];
    child.stdout.setEncoding('utf8').on('data', (text: string) => out.push(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => err.push(text));
    const stop = disturb((signal) => child.kill(signal));
    child.once('error', reject).once('close', (code, signal) => {
      stop();
      resolve({ code, signal, out: out.join(''), err: err.join('') });
    });
  });

const undisturbedProcess = (words: readonly string[], cwd: string): Promise<Ended> => start(words, cwd, () => () => undefined);

const inFolder = async <T>(work: (folder: string) => Promise<T>): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), 'metafleet-signals-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const digestIn = (text: string): string | undefined => /^digest +(\w{64})$/m.exec(text)?.[1];

export const undisturbed = (): Promise<Undisturbed> =>
  inFolder(async (folder) => {
    const began = performance.now();
    const { code, out, err } = await undisturbedProcess(WORDS, folder);
    const digest = digestIn(out);
    if (code !== 0 || digest === undefined) throw new Error(`a run that nobody disturbed ended with ${code}: ${err}`);
    return { digest, millis: performance.now() - began };
  });

const send =
  ({ signal, how }: Point, millis: number) =>
  (kill: (signal: NodeJS.Signals) => void): (() => void) => {
    let repeat: NodeJS.Timeout | undefined;
    const first = setTimeout(() => {
      kill(signal);
      if (how === 'twice') kill(signal);
      if (how === 'insist') repeat = setInterval(() => kill(signal), INSIST_MILLIS);
    }, millis);
    return () => {
      clearTimeout(first);
      clearInterval(repeat);
    };
  };

const halfWritten = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tmp'));

const reasonIn = (folder: string): string | undefined => {
  const path = join(folder, 'summary.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { reason: string }).reason : undefined;
};

/** What was kept leads to the digest of the run that nobody disturbed. */
const resumes = async (cwd: string, digest: string): Promise<string | undefined> => {
  const { code, out, err } = await undisturbedProcess(['run', '--resume', 'results/it', '--quiet'], cwd);
  if (code !== 0) return `the run does not resume: ${err}`;
  return digestIn(out) === digest ? undefined : 'the resumed run has another digest';
};

const judge = async ({ how, signal: sent }: Point, { code, signal, out, err }: Ended, cwd: string, digest: string): Promise<Verdict> => {
  const folder = join(cwd, 'results', 'it');
  const left = halfWritten(cwd);
  if (left.length > 0) return { end: 'at once', problem: `half-written files: ${left.join(', ')}` };
  if (/^ {4}at /m.test(err)) return { end: 'at once', problem: `a stack: ${err}` };
  const end = /^end +(\w+)/m.exec(out)?.[1];
  if (code === 0) {
    const whole = digestIn(out) === digest && reasonIn(folder) === 'completed';
    return { end: 'completed', problem: whole ? undefined : `completed without its results: ${out}` };
  }
  if (code !== 130 && signal !== sent) return { end: 'at once', problem: `code ${code}, signal ${signal}: ${err}` };
  if (!existsSync(folder)) return { end: 'nothing', problem: out === '' ? undefined : `a table of nothing: ${out}` };
  if (end === 'interrupted') {
    const kept = reasonIn(folder) === 'interrupted' && existsSync(join(folder, 'last.checkpoint'));
    return { end: 'interrupted', problem: kept ? await resumes(cwd, digest) : 'no summary or no checkpoint' };
  }
  if (how !== 'insist') return { end: 'at once', problem: `code ${code}, signal ${signal} with a folder and no table: ${err}` };
  return { end: 'at once', problem: existsSync(join(folder, 'last.checkpoint')) ? await resumes(cwd, digest) : undefined };
};

export const interruptAt = (point: Point, { digest, millis }: Undisturbed): Promise<Verdict> =>
  inFolder(async (cwd) => judge(point, await start(WORDS, cwd, send(point, point.at * millis)), cwd, digest));

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const WAYS = ['once', 'twice', 'insist'] as const;

/** Points spread evenly over the life of a run, each at a place that the seed draws within its share; every signal in every way. */
export const planPoints = (seed: number, points: number): readonly Point[] =>
  Array.from({ length: points }, (_, index) => ({
    signal: SIGNALS[index % SIGNALS.length]!,
    how: WAYS[Math.floor(index / SIGNALS.length) % WAYS.length]!,
    at: (index + random(seed, 'signals', 'moment', index).uniform()) / points,
  }));
