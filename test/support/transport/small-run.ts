import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Dataset } from '../../../src/data/dataset.js';
import { loadDataset } from '../../../src/data/load.js';
import type { EpochFinished } from '../../../src/events/evaluation.js';
import type { RoundFinished } from '../../../src/events/round.js';
import type { RunEvent } from '../../../src/events/run-event.js';
import type { Traffic } from '../../../src/events/traffic.js';
import type { Config } from '../../../src/runs/config/config.js';
import { resolveConfig } from '../../../src/runs/config/parse-config.js';
import { type Outcome, type Run, type RunOptions, startRun } from '../../../src/runs/trainer/run.js';

/** Real runs on real threads, as small as they can be: 30 devices, 24 items, 3 epochs of 4 rounds. */
export const smallData = (): Promise<Dataset> => loadDataset('synthetic:users=30,items=24,ratings=400', { split: 'auto', seed: 1 });

type Tree = Readonly<Record<string, unknown>>;

const SMALL: Tree = {
  threads: 2,
  epochs: 3,
  patience: 0,
  cohort: 8,
  ratings: 'all',
  sampling: 'shuffled',
  delivery: 'full',
  decoys: 0,
  dtype: 'f32',
  // Not the cosine, which lasts as long as the run: tests end runs early and resume them.
  optimizer: { schedule: 'geometric' },
  metamf: { userEmbedding: 4, collaborative: 4, hidden: 6, lowRank: 3, itemEmbedding: 4, units: 2 },
};

export const smallConfig = (over: Tree = {}): Config =>
  resolveConfig(...[SMALL, over].map((tree) => ({ tree, place: (path: readonly PropertyKey[]) => path.join('.') })));

export const temporaryFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'metafleet-run-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

export type Watched = { readonly run: Run; readonly events: readonly RunEvent[] };
export type Finished = Watched & { readonly outcome: Outcome };
export type SmallOptions = Partial<Omit<RunOptions, 'config'>> & { readonly config?: Tree };

/** Starts a small run that the test's end closes, whatever happens. `onEvent` is called after the event was recorded. */
export const start = async ({ config = {}, onEvent, ...options }: SmallOptions = {}): Promise<Watched> => {
  const events: RunEvent[] = [];
  const run = await startRun({
    config: smallConfig(config),
    dataset: options.dataset ?? (await smallData()),
    eventMillis: 1,
    ...options,
    onEvent: (event) => {
      events.push(event);
      onEvent?.(event);
    },
  });
  onTestFinished(() => run.close());
  return { run, events };
};

export const finish = async (options: SmallOptions = {}): Promise<Finished> => {
  const watched = await start(options);
  return { ...watched, outcome: await watched.run.finished };
};

export const roundsOf = (events: readonly RunEvent[]): RoundFinished[] => events.filter((event) => event.type === 'round');
export const epochsOf = (events: readonly RunEvent[]): EpochFinished[] => events.filter((event) => event.type === 'epoch');

/** What a run learned and sent and what became of its devices, without how long it took. */
export const storyOf = (events: readonly RunEvent[]) => ({
  rounds: roundsOf(events).map(({ round, epoch, cohort, ratings, loss, gradientNorm, clipped, traffic, activated, ...rest }) => {
    const { outcomes, duplicates, staleness, virtual } = rest;
    const learned = { round, epoch, cohort, ratings, loss, gradientNorm, clipped, activated };
    return { ...learned, outcomes, duplicates, staleness, virtual, traffic: sorted(traffic) };
  }),
  epochs: epochsOf(events).map(({ epoch, round, trainLoss, valid, test, best, traffic }) => {
    return { epoch, round, trainLoss, valid, test, best, traffic: sorted(traffic) };
  }),
});

/** Kinds are counted in order of arrival, which threads decide. */
const sorted = (traffic: Traffic): Traffic => traffic.toSorted((a, b) => (`${a.direction}${a.kind}` < `${b.direction}${b.kind}` ? -1 : 1));

/** Returns once no thread and no port keeps this process alive any more; never, if one was left behind. */
export const allThreadsGone = async (): Promise<void> => {
  while (process.getActiveResourcesInfo().some((kind) => /Worker|MessagePort/.test(kind)))
    await new Promise((resolve) => setTimeout(resolve, 5));
};

export const failureOf = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};
