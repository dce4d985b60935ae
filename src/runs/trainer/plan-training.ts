import type { World } from '../../algorithms/port/definition.js';
import type { Dataset } from '../../data/dataset.js';
import type { RunStarted } from '../../events/run-event.js';
import type { Metric } from '../../metrics/metric.js';
import { metricOf } from '../../metrics/registry.js';
import { MODEL } from '../../models/registry.js';
import type { CentralSetup } from '../../transport/central/central-thread.js';
import { checkTask, isClosed } from '../config/central.js';
import type { Config } from '../config/config.js';
import { chosen, identityOf, isCentral, setupOf } from '../config/definitions.js';
import { checkMeasured, stopMetricOf } from '../config/measured.js';
import { checkServes, settled } from '../config/settle.js';
import { measureOptionsOf, planRun, threadsOf } from './plan.js';

/** The course of a run, whatever it trains: a fleet, or a central model. */
export type TrainingPlan = {
  readonly world: World;
  readonly roundsPerEpoch: number;
  readonly rounds: number;
  readonly epochs: number;
  readonly ends: RunStarted['ends'];
  /** Decides on the best epoch, and when to stop. */
  readonly stopOn: Metric;
  readonly metrics: readonly string[];
  readonly fleet: RunStarted['fleet'];
};

/** A central model: a round is an epoch, and a closed form is one epoch. Throws CONFIG for settings that this dataset cannot serve. */
export const planModel = (asked: Config, dataset: Dataset): TrainingPlan & { readonly setup: CentralSetup } => {
  const config = settled(asked, dataset);
  const place = (key: string): string => `key ${key}`;
  checkMeasured(config, place);
  checkTask(config, place);
  checkServes(config, dataset);
  const { lowest, highest } = dataset.scale;
  const { definition } = chosen(MODEL, config.algorithm);
  const setup = setupOf(config, MODEL, config.algorithm);
  definition.check?.(setup.options);
  const wanted = isClosed(config) ? 1 : config.epochs;
  const epochs = config.rounds === 0 ? wanted : Math.min(wanted, config.rounds);
  const measure = measureOptionsOf(config, dataset);
  return {
    world: { devices: dataset.users, items: dataset.items, lowest, highest },
    roundsPerEpoch: 1,
    rounds: epochs,
    epochs,
    ends: null,
    stopOn: metricOf(stopMetricOf(config)),
    metrics: config.evaluation.metrics,
    fleet: null,
    setup: {
      model: setup,
      dataset,
      seed: config.seed,
      identity: identityOf(config),
      measure: definition.traits.task === 'rating' ? { ...measure, clip: { lowest, highest } } : measure,
      threads: threadsOf(config),
      epochs: wanted,
    },
  };
};

/** Throws CONFIG for settings that this dataset cannot serve. */
export const planTraining = (config: Config, dataset: Dataset): TrainingPlan => {
  if (isCentral(config)) {
    const { setup: _, ...plan } = planModel(config, dataset);
    return plan;
  }
  const { settings, world, roundsPerEpoch, rounds, epochs, ends, stopOn } = planRun(config, dataset);
  const fleet = settings.fleet === null ? null : { policy: settings.policy.kind, ...settings.fleet };
  return { world, roundsPerEpoch, rounds, epochs, ends, stopOn, metrics: settings.metrics, fleet };
};
