// npm run fuzz [-- --runs 1000000 --seed 1 --target frames]: random and changed frames, checkpoints, configurations and rating files.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type Finding, SHARES, type Share, TARGETS } from './targets.js';

/** One input takes a millisecond at most: a thread that computes for so long on one hangs. */
const HANG_CPU_SECONDS = 60;
/** One that waits for what does not come computes nothing; on a machine with much else to do, neither does one that is well. */
const HANG_LOOKS = 600;
const LOOK_MILLIS = 1000;

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const wholeNumber = (name: string, text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name}: expected a whole number of at least 1, found ${text}`);
  return value;
};

/** Findings of one thread; a thread that stands still is one. */
const runShare = (share: Share): Promise<readonly Finding[]> =>
  new Promise((resolve, reject) => {
    const thread = new Worker(new URL('thread.js', import.meta.url), { workerData: share });
    let last = { done: -1, looks: 0, cpu: cpuSeconds() };
    const watch = setInterval(() => {
      const done = Atomics.load(share.progress, 0);
      if (done !== last.done) last = { done, looks: 0, cpu: cpuSeconds() };
      last.looks += 1;
      if (last.looks > HANG_LOOKS || cpuSeconds() - last.cpu > HANG_CPU_SECONDS) {
        clearInterval(watch);
        void thread.terminate();
        resolve([{ target: share.target, index: share.first + done, message: 'no end', input: new Uint8Array(0) }]);
      }
    }, LOOK_MILLIS);
    thread.once('message', (findings: Finding[]) => {
      clearInterval(watch);
      resolve(findings);
    });
    thread.once('error', (error) => {
      clearInterval(watch);
      reject(new Error(`${share.target}, input ${share.first + Atomics.load(share.progress, 0)}: ${error.message}`, { cause: error }));
    });
  });

const keep = (folder: string, { target, input }: Finding): string => {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${target}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`);
  writeFileSync(path, input);
  return path;
};

const main = async (): Promise<void> => {
  const options = {
    runs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string' },
    cases: { type: 'string', default: 'test/fuzz/cases' },
  } as const;
  const { values } = parseArgs({ options });
  const [runs, seed] = [wholeNumber('runs', values.runs), wholeNumber('seed', values.seed)];
  const names = Object.keys(TARGETS).filter((name) => values.target === undefined || name === values.target);
  if (names.length === 0) throw new Error(`--target: expected one of ${Object.keys(TARGETS).join(', ')}, found ${values.target}`);
  const shares = names.reduce((sum, name) => sum + SHARES[name]!, 0);
  for (const name of names) {
    const count = Math.ceil((runs * SHARES[name]!) / shares);
    const start = performance.now();
    const progress = new Int32Array(new SharedArrayBuffer(4));
    const findings = await runShare({ target: name, seed, first: 0, count, progress });
    const seconds = (performance.now() - start) / 1000;
    console.log(`${name.padEnd(12)} ${String(count).padStart(9)} inputs, ${findings.length} findings, ${seconds.toFixed(1)} s`);
    for (const finding of findings) {
      process.exitCode = 1;
      const place = finding.input.length > 0 ? keep(values.cases, finding) : 'not kept';
      console.error(`${name}, input ${finding.index} (${place}): ${finding.message.split('\n').slice(0, 4).join(' | ').slice(0, 600)}`);
    }
  }
};

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
