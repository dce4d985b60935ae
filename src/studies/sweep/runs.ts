import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { beforeLeaving } from '../../base/leaving.js';
import { median } from '../../base/median.js';
import type { Config } from '../../runs/config/config.js';
import { isRead } from '../../runs/config/effects.js';
import { printConfig } from '../../runs/config/parse-config.js';
import { writeAtomically } from '../../runs/folder/atomic-write.js';
import type { Summary } from '../../runs/folder/summary.js';
import type { Costs } from './cost-model.js';

/**
 * The runs of a sweep. Each is an ordinary `metafleet run` with a run folder of its own. It is a process of its own, so that its memory
 * is its own. A run is finished if its folder says that it ended. An interrupted one continues from its checkpoint.
 */
export type FinishedRun = {
  readonly summary: Summary;
  readonly costs: Partial<Costs>;
  readonly roundP95: number;
  readonly seconds: number;
};

export type RunFolder = {
  readonly folder: string;
  /** undefined while it has not ended by itself. */
  finished(name: string): FinishedRun | undefined;
  /** Runs or continues one. `interrupted`: its process was asked to end and kept a checkpoint. Rejects when it cannot be started. */
  run(name: string, config: Config): Promise<{ readonly end: 'finished' | 'interrupted' | 'failed'; readonly error: string }>;
  /** Ends the run that is under way after its round; again: at once. */
  interrupt(): void;
};

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

const Line = z.object({ millis: z.number(), cpuMillis: z.number().optional() });
const linesOf = (path: string): z.infer<typeof Line>[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Line.parse(JSON.parse(line)));

/** In the first round, buffers grow to their sizes and code is compiled. */
const settled = (values: readonly number[]): number => (values.length === 0 ? 0 : median(values.length > 1 ? values.slice(1) : values));

/** Wall seconds that its processes took, kept in the folder of a run. What the run itself counts begins after its data was read. */
const Clock = z.object({ seconds: z.number() });
const CLOCK = 'clock.json';
const TICK_MILLIS = 1000;

/** 0 where none was kept: a run may be killed before the first tick. */
const secondsOf = (place: string): number => {
  const path = join(place, CLOCK);
  return existsSync(path) ? Clock.parse(JSON.parse(readFileSync(path, 'utf8'))).seconds : 0;
};

/** Once the run has made its folder. */
const keepSeconds = async (place: string, seconds: number): Promise<void> => {
  if (existsSync(place)) await writeAtomically(join(place, CLOCK), JSON.stringify({ seconds }));
};

const readFinished = (folder: string): FinishedRun | undefined => {
  const path = join(folder, 'summary.json');
  if (!existsSync(path)) return undefined;
  const summary = JSON.parse(readFileSync(path, 'utf8')) as Summary;
  if (summary.reason !== 'completed' && summary.reason !== 'early-stopped') return undefined;
  const lines = linesOf(join(folder, 'rounds.ndjson'));
  const rounds = lines.map(({ millis }) => millis);
  const measurements = linesOf(join(folder, 'epochs.ndjson')).map(({ millis }) => millis);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const seconds = Math.max(secondsOf(folder), (sum(rounds) + sum(measurements)) / 1000);
  const { perRound } = summary.bytes;
  return {
    summary,
    seconds,
    roundP95: summary.latency.roundMillis.p95,
    costs: {
      startMillis: Math.max(1, 1000 * seconds - sum(rounds) - sum(measurements)),
      roundMillis: settled(rounds),
      roundCpuMillis: settled(lines.map(({ cpuMillis }) => cpuMillis ?? 0)),
      ...(measurements.length > 0 && { measureMillis: sum(measurements) / measurements.length }),
      bytesDown: perRound.down,
      bytesUp: perRound.up,
      memoryBytes: summary.memory.rssPeakBytes,
    },
  };
};

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

/** What a process that was killed was writing, and its configuration. */
const removeHalfWritten = (folder: string): void => {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (name.endsWith('.tmp') || (dirname(name) === '.' && name.endsWith('.yaml'))) rmSync(join(folder, name), { force: true });
};

/** The processes get no signal of the terminal's: the sweep tells the one that runs, once. By the channel, they notice that it has died. */
const start = (words: readonly string[]): ChildProcess =>
  spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], detached: process.platform !== 'win32' });

export const openRuns = (folder: string): RunFolder => {
  mkdirSync(folder, { recursive: true });
  let current: ChildProcess | undefined;
  let asked = false;
  beforeLeaving(async () => {
    if (current === undefined) return;
    const gone = once(current, 'close');
    current.kill('SIGKILL');
    await gone;
    removeHalfWritten(folder);
  });
  process.once('exit', () => current?.kill('SIGKILL'));
  const finished = (name: string): FinishedRun | undefined => readFinished(join(folder, name));
  return {
    folder,
    finished,
    run: async (name, config) => {
      const place = join(folder, name);
      const resumes = existsSync(join(place, 'last.checkpoint'));
      if (!resumes) rmSync(place, { recursive: true, force: true });
      const before = secondsOf(place);
      const file = join(folder, `${name}.yaml`);
      writeFileSync(
        file,
        printConfig({ ...config, results: folder }, false, (key) => isRead(config, key)),
      );
      const began = performance.now();
      const child = start(['run', '--quiet', ...(resumes ? ['--resume', place] : ['--config', file, '--name', name])]);
      current = child;
      let said = '';
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4000);
      });
      const keep = (): Promise<void> => keepSeconds(place, before + (performance.now() - began) / 1000);
      let writing = Promise.resolve();
      // One write at a time. One that fails is made good by the next, and by the last.
      const ticking = setInterval(() => {
        writing = writing.then(keep).catch(() => undefined);
      }, TICK_MILLIS);
      const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve)).finally(() => {
        current = undefined;
        clearInterval(ticking);
        rmSync(file, { force: true });
      });
      await writing;
      await keep();
      // The signal may come before the process listens to it.
      if (code === 130 || (code === null && asked)) return { end: 'interrupted', error: '' };
      if (code !== 0 || finished(name) === undefined) return { end: 'failed', error: lastLine(said) || `it ended with code ${code}` };
      return { end: 'finished', error: '' };
    },
    interrupt: () => {
      asked = true;
      current?.kill('SIGINT');
    },
  };
};
