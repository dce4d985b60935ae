import { loadDataset } from '../../src/data/load.js';
import type { RunEvent } from '../../src/events/run-event.js';
import { resolveConfig } from '../../src/runs/config/parse-config.js';
import { type Outcome, type Run, type RunOptions, startRun } from '../../src/runs/trainer/run.js';

/** Real runs on real threads, as small as they can be: 30 devices, 24 items, 3 epochs of 4 rounds, a checkpoint after each epoch. */
const SMALL = {
  data: 'synthetic:users=30,items=24,ratings=400',
  threads: 2,
  epochs: 3,
  patience: 0,
  cohort: 8,
  metamf: { userEmbedding: 4, collaborative: 4, hidden: 6, lowRank: 3, itemEmbedding: 4, units: 2 },
  fedavg: { itemEmbedding: 4 },
  checkpoint: { every: 1e-9, keep: 2 },
} as const;

export const ROUNDS = 12;

/** After the first epoch. */
export const FIRST_CHECKPOINT = 4;

export const BUDGETS_BIND = 'a fleet whose budgets bind';

/** What a fault has to leave as it was: each has state of its own. */
const SCENARIOS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'metamf, full': { delivery: 'full' },
  'metamf, subset, by activity': { delivery: 'subset', decoys: 2, sampling: 'activity', ratings: 3 },
  'fedavg, private vectors, control variates, moments': {
    algorithm: 'fedavg',
    fedavg: { controlVariates: true, serverOptimizer: 'yogi', rowWeighting: 'touched' },
  },
  'a fleet in virtual time, buffered': {
    delivery: 'subset',
    sampling: 'uniform',
    fleet: { profiles: 'mix', dropoutDuring: 0.1, dropoutAfter: 0.1 },
    policy: { kind: 'buffered', concurrency: 14, timeout: 30 },
  },
  [BUDGETS_BIND]: {
    delivery: 'full',
    sampling: 'uniform',
    fleet: { profiles: 'scripts/chaos/tight-budgets.yaml' },
  },
};

export const SCENARIO_NAMES = Object.keys(SCENARIOS);

export const pathsIn = (folder: string) => ({ last: `${folder}/last.checkpoint`, best: `${folder}/best.checkpoint` });

/** Runs a scenario in this process; `onEvent` may do what it likes to the run. */
export const runScenario = async (
  scenario: string,
  options: Pick<RunOptions, 'checkpoints' | 'resume'>,
  onEvent: (event: RunEvent, run: Run | undefined) => void = () => {},
): Promise<Outcome> => {
  const sources = [SMALL, SCENARIOS[scenario]!].map((tree) => ({ tree, place: (path: readonly PropertyKey[]) => path.join('.') }));
  const config = resolveConfig(...sources);
  let run: Run | undefined;
  const dataset = await loadDataset(config.data, { split: 'auto', seed: 1 });
  run = await startRun({ ...options, config, dataset, eventMillis: 1, onEvent: (event) => onEvent(event, run) });
  try {
    return await run.finished;
  } finally {
    await run.close();
  }
};
