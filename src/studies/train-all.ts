import { ALGORITHM } from '../algorithms/registry.js';
import type { Dataset } from '../data/dataset.js';
import type { RunEvent } from '../events/run-event.js';
import { MODEL } from '../models/registry.js';
import type { Config } from '../runs/config/config.js';
import { chosen, isCentral } from '../runs/config/definitions.js';
import { loadConfigured } from '../runs/config/load-data.js';
import { settled } from '../runs/config/settle.js';
import { dataDigest } from '../runs/folder/data-digest.js';
import type { Environment } from '../runs/folder/environment.js';
import { openResults } from '../runs/folder/results-folder.js';
import { trainInto, type Watched } from '../runs/folder/run-folder.js';
import { type FoundRun, findRun, OF_THE_DATA } from '../runs/folder/run-store.js';
import { hostsOf } from '../runs/trainer/plan.js';
import { planTraining } from '../runs/trainer/plan-training.js';
import type { Outcome } from '../runs/trainer/run.js';

export type PlannedRun = { readonly label: string; readonly seed: number; readonly config: Config };
/** A run that has ended, in this command or an earlier one. */
export type TrainedRun = PlannedRun & { readonly folder: string; readonly dataset: Dataset; readonly digest: string };

/** How a study tells of itself and is stopped. */
export type StudyHooks = {
  readonly stage: (text: string) => void;
  readonly note: (text: string) => void;
  readonly observe: (event: RunEvent) => void;
  /** What is going on, for the progress display: which of how many runs. */
  readonly context: (context: StudyContext) => void;
  /** The run that is being trained; `{}` when there is none any more. */
  readonly watch: (watched: Watched) => void;
  readonly interrupted: () => boolean;
};

/** `waitingRounds`: of the runs after this one, at most. */
export type StudyContext = { readonly run: number; readonly runs: number; readonly label: string; readonly waitingRounds: number };

export type StoreOptions = { readonly root: string; readonly environment: Environment };

export type LoadedData = { readonly dataset: Dataset; readonly digest: string };

/** Keys by which two configurations name the same ratings. The seed draws random splits, and a budget's share. */
const DATA_KEYS = [...OF_THE_DATA, 'dataBudget', 'seed'];

/** Keeps the last set: runs of one come one after the other. */
export const createLoader = (hooks: Pick<StudyHooks, 'stage' | 'note'>): ((config: Config) => Promise<LoadedData>) => {
  let last: { readonly key: string; readonly loaded: LoadedData } | undefined;
  return async (config) => {
    const reads = (isCentral(config) ? chosen(MODEL, config.algorithm) : chosen(ALGORITHM, config.algorithm)).definition.traits.features;
    const key = JSON.stringify([...DATA_KEYS.map((name) => config[name]), reads]);
    if (last?.key !== key) {
      hooks.stage(`reading ${config.data}`);
      const dataset = await loadConfigured(config, hooks.note);
      last = { key, loaded: { dataset, digest: dataDigest(dataset, reads, hostsOf(config)) } };
    }
    return last.loaded;
  };
};

export type Loader = ReturnType<typeof createLoader>;

/** Trains a run where the store has a place for it, or trains on one that is there. */
export const trainHere = async (
  { config }: PlannedRun,
  { name, state }: FoundRun,
  { dataset }: LoadedData,
  store: StoreOptions,
  hooks: StudyHooks,
): Promise<Outcome['reason']> => {
  const resume = state !== 'missing';
  const watched: Watched = { state: 'begun' };
  hooks.watch(watched);
  const results = await openResults(store.root, name, { resume, warn: hooks.note });
  const { reason } = await trainInto(
    {
      config,
      dataset,
      baselines: {},
      environment: store.environment,
      results,
      resume,
      observers: [hooks.observe],
      stage: hooks.stage,
      note: hooks.note,
    },
    watched,
  ).finally(() => hooks.watch({}));
  return reason;
};

/** Trains a run into its folder unless it is finished there; continues one that was interrupted. Undefined: interrupted again. */
const trainOne = async (run: PlannedRun, store: StoreOptions, load: Loader, hooks: StudyHooks): Promise<TrainedRun | undefined> => {
  const loaded = await load(run.config);
  const { dataset, digest } = loaded;
  const place = findRun(store.root, settled(run.config, dataset), dataset, digest);
  const reason = place.state === 'finished' ? 'completed' : await trainHere(run, place, loaded, store, hooks);
  return reason === 'interrupted' ? undefined : { ...run, folder: place.folder, dataset, digest };
};

/** Rounds of each run that is not finished yet, at most; 0 for one that is. */
const survey = async (runs: readonly PlannedRun[], store: StoreOptions, load: Loader): Promise<readonly number[]> => {
  const rounds: number[] = [];
  for (const { config } of runs) {
    const { dataset, digest } = await load(config);
    rounds.push(
      findRun(store.root, settled(config, dataset), dataset, digest).state === 'finished' ? 0 : planTraining(config, dataset).rounds,
    );
  }
  return rounds;
};

/**
 * Trains every run of a study, one after the other; runs that are finished are never trained again. Ends early, with fewer results than
 * runs, when it is interrupted: the same command continues there. Throws CONFIG, before anything is trained, for what a set cannot serve.
 */
export const trainAll = async (
  runs: readonly PlannedRun[],
  store: StoreOptions,
  load: Loader,
  hooks: StudyHooks,
): Promise<readonly TrainedRun[]> => {
  const rounds = await survey(runs, store, load);
  const trained: TrainedRun[] = [];
  for (const [index, run] of runs.entries()) {
    if (hooks.interrupted()) break;
    const waitingRounds = rounds.slice(index + 1).reduce((sum, count) => sum + count, 0);
    hooks.context({ run: index + 1, runs: runs.length, label: `${run.label}, seed ${run.seed}`, waitingRounds });
    const result = await trainOne(run, store, load, hooks);
    if (result === undefined) break;
    trained.push(result);
  }
  return trained;
};
