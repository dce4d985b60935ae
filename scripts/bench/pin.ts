import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

/**
 * Some schedulers of virtual machines pack threads onto few processors before they spread them. Two threads of a few milliseconds
 * each then take turns on one. With `--pin`, this thread has processor 0 and those that are made here the next one (Linux, `taskset`).
 */
export const onNextProcessor = async <Result>(pin: boolean, create: () => Promise<Result>): Promise<Result> => {
  if (!pin) return create();
  const before = new Set(threads());
  const created = await create();
  setProcessor(process.pid, 0);
  for (const thread of threads()) if (!before.has(thread)) setProcessor(thread, 1);
  return created;
};

const threads = (): number[] => readdirSync('/proc/self/task').map(Number);

const setProcessor = (thread: number, processor: number): void =>
  void execFileSync('taskset', ['-p', '-c', String(processor), String(thread)], { stdio: 'ignore' });
