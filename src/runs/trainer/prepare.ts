import { loadAlgorithm } from '../../algorithms/registry.js';
import { recordedDevices } from '../../coordinator/round/recorder.js';
import type { Dataset } from '../../data/dataset.js';
import type { PrivateColumns } from '../../device/actor/columns.js';
import { keptSize } from '../../device/actor/step-state.js';
import type { RunEvent } from '../../events/run-event.js';
import { startCentral } from '../../transport/central/launch.js';
import { type FleetOptions, startFleet } from '../../transport/supervisor/fleet.js';
import type { Trainer } from '../../transport/supervisor/trainer.js';
import { loadUpdateSteps } from '../../updates/device-steps.js';
import type { Config } from '../config/config.js';
import { isCentral } from '../config/definitions.js';
import { planRun, type RunPlan } from './plan.js';
import { planModel, planTraining, type TrainingPlan } from './plan-training.js';
import { shardDataset } from './shards.js';

export type TrainerOptions = {
  readonly config: Config;
  readonly dataset: Dataset;
  /** How often events of rounds are handed on, for tests that act on single rounds; default: ten times a second. */
  readonly eventMillis?: number;
  /** Entries of the host threads and the coordinator's (or the model's), for tests of faults. */
  readonly hostEntry?: string;
  readonly coordinatorEntry?: string;
};

/** What a run trains, ready to be started, and started again should its thread die. */
export type Prepared = {
  readonly plan: TrainingPlan;
  /** The private columns of devices; none for a central model. */
  readonly shards: readonly PrivateColumns[];
  readonly begin: () => Promise<Trainer>;
};

type OnEvent = (event: RunEvent) => void;

const fleetOptions = (
  options: TrainerOptions,
  plan: RunPlan,
  shards: readonly PrivateColumns[],
  onEvent: (event: RunEvent) => void,
): FleetOptions => {
  const { config, eventMillis, hostEntry, coordinatorEntry } = options;
  const { world, threads, settings, host } = plan;
  const recorded = recordedDevices(config.seed, world.devices, config.recorder.share);
  return {
    coordinator: {
      ...{ algorithm: host.algorithm, world, settings, threads, recorded },
      ...(host.fleet === undefined ? {} : { fleet: host.fleet }),
    },
    host,
    shards,
    hostHeap: config.hostHeap,
    moduleTimeout: config.moduleTimeout,
    onEvent,
    ...(eventMillis === undefined ? {} : { eventMillis }),
    ...(hostEntry === undefined ? {} : { hostEntry }),
    ...(coordinatorEntry === undefined ? {} : { coordinatorEntry }),
  };
};

const prepareFleet = async (options: TrainerOptions, onEvent: OnEvent): Promise<Prepared> => {
  const { config, dataset } = options;
  const run = planRun(config, dataset);
  const { world, threads, host } = run;
  const algorithm = await loadAlgorithm(host.algorithm, world);
  const steps = await loadUpdateSteps(host.updates ?? [], { up: algorithm.wire.up, items: world.items });
  const stateSize = keptSize(algorithm.client().state, steps);
  // From here on the dataset is not needed: a large one should not be kept alive by the run.
  const { budgets, features } = { budgets: host.fleet, features: world.userFeatures };
  const shards = shardDataset(dataset, threads, stateSize, budgets && 'budgets', features && 'features');
  return { plan: planTraining(config, dataset), shards, begin: beginning(fleetOptions(options, run, shards, onEvent)) };
};

/** Not a closure of the function above, which would keep the dataset alive. */
const beginning = (threaded: FleetOptions) => (): Promise<Trainer> => startFleet(threaded);

const prepareCentral = async ({ config, dataset, coordinatorEntry }: TrainerOptions, onEvent: OnEvent): Promise<Prepared> => {
  const { setup, ...plan } = planModel(config, dataset);
  const entry = coordinatorEntry === undefined ? {} : { entry: coordinatorEntry };
  return { plan, shards: [], begin: () => startCentral({ setup, onEvent, ...entry }) };
};

/** Throws CONFIG for settings that the dataset cannot serve. */
export const prepareTrainer = (options: TrainerOptions, onEvent: OnEvent): Promise<Prepared> =>
  isCentral(options.config) ? prepareCentral(options, onEvent) : prepareFleet(options, onEvent);
