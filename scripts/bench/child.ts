// One run in a process of its own (child-run.ts), so that its memory is its own. It starts as the CLI starts one, and ends after some rounds.
import { readFileSync } from 'node:fs';
import { loadDataset } from '../../src/data/load.js';
import type { RoundFinished } from '../../src/events/round.js';
import { type Run, startRun } from '../../src/runs/trainer/run.js';
import type { ChildReport, ChildTask } from './child-run.js';
import { configOf } from './rounds/training.js';

const status = (key: string): number => {
  try {
    return 1024 * Number(new RegExp(`${key}:\\s+(\\d+) kB`).exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  } catch {
    return key === 'VmHWM' ? 1024 * process.resourceUsage().maxRSS : process.memoryUsage.rss();
  }
};

const { flags, rounds } = JSON.parse(process.argv[2] ?? '{}') as ChildTask;
const config = configOf(flags);
const seen: RoundFinished[] = [];
let parameters = 0;
let firstRound = 0;

/** Backing stores are freed by another thread, some time after their collection. */
const SWEEP_MILLIS = 1000;

const report = async (): Promise<ChildReport> => {
  const residentBytes = status('VmRSS');
  const peakBytes = status('VmHWM');
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, SWEEP_MILLIS));
  const timed = seen.slice(0, rounds).map(({ millis, phases }) => ({ millis, phases }));
  return { firstRoundMillis: firstRound, rounds: timed, parameters, residentBytes, collectedBytes: status('VmRSS'), peakBytes };
};

// Not a line of the module: what an awaiting function has in hand is not collected, and the dataset should be.
const start = async (): Promise<Run> =>
  startRun({
    config,
    dataset: await loadDataset(config.data, { split: 'auto', seed: config.seed }),
    onEvent: (event) => {
      if (event.type === 'run-started') parameters = event.parameters;
      if (event.type !== 'round') return;
      // Since the process was started, Node's own start included.
      if (seen.length === 0) firstRound = performance.now();
      seen.push(event);
      if (seen.length !== rounds) return;
      void report().then((found) => process.send?.(found, () => process.exit(0)));
    },
  });

const run = await start();
await run.finished;
