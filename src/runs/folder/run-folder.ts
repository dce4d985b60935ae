import { ALGORITHM } from '../../algorithms/registry.js';
import { messageOf } from '../../base/errors.js';
import { beforeLeaving } from '../../base/leaving.js';
import { countsOf, type Dataset } from '../../data/dataset.js';
import type { RunEvent } from '../../events/run-event.js';
import type { Config } from '../config/config.js';
import { chosenNames, identityOf } from '../config/definitions.js';
import { stopMetricOf } from '../config/measured.js';
import { printConfig } from '../config/parse-config.js';
import { settled } from '../config/settle.js';
import { createObserver } from '../trainer/observe.js';
import { hostsOf } from '../trainer/plan.js';
import { type Outcome, type Run, startRun } from '../trainer/run.js';
import { createSummary, type SummaryBuilder } from './accounts.js';
import { dataDigest } from './data-digest.js';
import type { Environment } from './environment.js';
import type { Results } from './results-folder.js';
import type { Baselines } from './summary.js';

export type FolderRun = {
  readonly config: Config;
  readonly dataset: Dataset;
  readonly baselines: Baselines;
  readonly environment: Environment;
  readonly results: Results;
  /** Continues from the folder's last checkpoint. */
  readonly resume: boolean;
  /** They see every event. None of them can disturb the run: the first error of each is reported, once. */
  readonly observers: readonly ((event: RunEvent) => void)[];
  readonly stage: (text: string) => void;
  readonly note: (text: string) => void;
};

/** What there is to look at, or to stop, while a run goes on: filled in as soon as it is there. */
export type Watched = {
  run?: Run;
  summary?: SummaryBuilder;
  /** Absent while there is no folder: nothing would stay of the run. `begun` comes from the caller, before it opens the folder. */
  state?: 'begun' | 'ended';
  /** A run that has not started yet ends after its start. */
  interrupted?: boolean;
};

/** Trains into a run folder: configuration, lines of rounds and epochs, checkpoints, and the summary, whatever the end. */
export const trainInto = async (parts: FolderRun, watched: Watched): Promise<Outcome> => {
  const { dataset, results } = parts;
  const config = settled(parts.config, dataset);
  const { users, items, name } = dataset;
  const { checkpoints } = results.paths;
  const summary = createSummary({
    run: results.run,
    algorithm: chosenNames(ALGORITHM, config),
    identity: identityOf(config),
    config,
    seed: config.seed,
    environment: parts.environment,
    dataset: { name, users, items, ratings: countsOf(dataset), digest: dataDigest(dataset, [], hostsOf(config)) },
    metrics: config.evaluation.metrics,
    stopOn: stopMetricOf(config),
    baselines: parts.baselines,
  });
  watched.summary = summary;
  watched.state = 'begun';
  const observers = [summary.observe, results.observe, ...parts.observers].map((observe) => createObserver(observe, parts.note));
  let cut = false;
  try {
    await results.writeConfig(printConfig(config, false));
    parts.stage('starting the fleet');
    const run = await startRun({
      config,
      dataset,
      onEvent: (event) => {
        for (const observe of observers) observe(event);
      },
      checkpoints,
      observers: {
        save: summary.snapshot,
        restore: async (saved, round) => {
          summary.restore(saved, checkpoints.last);
          // Once: when a coordinator is restored, the lines of rounds that come again are there already.
          if (parts.resume && !cut) await results.cutAfter(round);
          cut = true;
        },
      },
      ...(parts.resume ? { resume: checkpoints.last } : {}),
    });
    watched.run = run;
    if (watched.interrupted === true) run.interrupt();
    const stay = beforeLeaving(run.abandon);
    return await run.finished.finally(() => {
      stay();
      watched.state = 'ended';
    });
  } finally {
    if (watched.run !== undefined) {
      await results.writeSummary(summary.summary()).catch((error: unknown) => parts.note(messageOf(error)));
    }
    await results.close();
  }
};
