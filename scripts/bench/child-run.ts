import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RoundFinished } from '../../src/events/round.js';
import type { Flags } from './rounds/training.js';

export type ChildTask = { readonly flags: Flags; readonly rounds: number };

export type ChildReport = {
  /** From the process' start to the end of its first round. */
  readonly firstRoundMillis: number;
  readonly rounds: readonly Pick<RoundFinished, 'millis' | 'phases'>[];
  readonly parameters: number;
  readonly residentBytes: number;
  /** After a garbage collection: what starting up left behind is gone. */
  readonly collectedBytes: number;
  readonly peakBytes: number;
};

/** Rejects when the child ends without a report, out of memory for example: it has then said why. */
export const runInChild = (task: ChildTask): Promise<ChildReport> =>
  new Promise((resolve, reject) => {
    const file = fileURLToPath(new URL('./child.js', import.meta.url));
    const child = fork(file, [JSON.stringify(task)], { execArgv: ['--expose-gc'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.once('message', (report) => resolve(report as ChildReport));
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`a benchmark's child process ended with ${signal ?? `code ${code}`}`)));
  });
