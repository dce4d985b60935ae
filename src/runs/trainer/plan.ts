import { availableParallelism } from 'node:os';
import type { World } from '../../algorithms/port/definition.js';
import { ALGORITHM } from '../../algorithms/registry.js';
import { badInput } from '../../base/errors.js';
import { bytes, seconds } from '../../base/units.js';
import { AGGREGATOR } from '../../coordinator/aggregation/registry.js';
import { askedIn } from '../../coordinator/round/policy.js';
import { SAMPLER } from '../../coordinator/sampling/registry.js';
import { constantRate, type Schedule } from '../../coordinator/schedule.js';
import type { RoundSettings } from '../../coordinator/settings.js';
import { lengthOf } from '../../coordinator/stages.js';
import { countsOf, type Dataset, trainOffsetsOf } from '../../data/dataset.js';
import type { MeasureOptions } from '../../device/actor/measure.js';
import type { RunStarted } from '../../events/run-event.js';
import type { Metric } from '../../metrics/metric.js';
import { metricOf } from '../../metrics/registry.js';
import type { OptimizerSetup } from '../../tensor/optimizers/setup.js';
import type { HostSetup } from '../../transport/threads/host.js';
import { UPDATE_STEP } from '../../updates/registry.js';
import { checkCompatible } from '../config/compatible.js';
import { type Config, PRIOR } from '../config/config.js';
import { chosen, identityOf, isCentral, setupOf } from '../config/definitions.js';
import { countProfiles, loadFleet, policyOf } from '../config/load-fleet.js';
import { checkMeasured, stopMetricOf } from '../config/measured.js';
import { privacyOf, secureOf } from '../config/noise.js';
import { hostPerturbations, stagesOf, withPerturbations } from '../config/perturbed.js';
import { checkServes, featuresRead, settled, trainedUsers } from '../config/settle.js';

/** What a configuration means for a dataset: sizes, rounds, and the settings each thread is given. */
export type RunPlan = {
  readonly world: World;
  readonly threads: number;
  readonly roundsPerEpoch: number;
  readonly rounds: number;
  readonly epochs: number;
  readonly ends: RunStarted['ends'];
  /** Decides on the best epoch, and when to stop. */
  readonly stopOn: Metric;
  readonly settings: RoundSettings;
  readonly host: HostSetup;
};

/**
 * An epoch is as many rounds as it takes to draw every device, for samplers that ask each once, or all ratings at once.
 * Otherwise it is as many rounds as it takes to draw as many ratings as there are.
 */
const countRounds = ({ cohort, ratings, sampling }: Config, asked: number, devices: number, trainRatings: number): number => {
  if (chosen(SAMPLER, sampling).definition.traits.everyDeviceOnce) return Math.ceil(devices / asked);
  return ratings === 'all' ? Math.ceil(devices / cohort) : Math.ceil(trainRatings / (cohort * ratings));
};

/** The learning rate's course, and all that is said about a single step. */
export const splitOptimizer = (
  { rate, schedule, scheduleBy, rateDecay, stepEpochs, annealEpochs, rateFloor, warmup, decay, ...optimizer }: Config['optimizer'],
  epochs: number,
  trainRatings: number,
): { schedule: Schedule; optimizer: OptimizerSetup } => ({
  schedule: {
    kind: schedule,
    by: scheduleBy,
    rate,
    decay: rateDecay,
    stepEpochs,
    epochs: annealEpochs === 0 ? epochs : annealEpochs,
    floor: rateFloor,
    warmup,
  },
  optimizer: { ...optimizer, decay: decay === 'auto' ? Math.min(PRIOR.most, PRIOR.ratings / trainRatings) : decay },
});

/** Threads of a configuration, where 0 stands for one a processor. */
export const threadsOf = ({ threads }: Config): number => (threads === 0 ? availableParallelism() : threads);

/** Device hosts of a run, where there are as many devices; none for a central model. */
export const hostsOf = (config: Config): number | undefined => (isCentral(config) ? undefined : threadsOf(config));

/** What users are measured with, on devices and by the baselines. */
export const measureOptionsOf = ({ seed, evaluation }: Config, { items, roles }: Dataset): MeasureOptions => {
  const { metrics, candidates, relevant } = evaluation;
  return { seed, items, metrics, candidates, relevant, ...(roles && { roles: roles.items }) };
};

/** Throws CONFIG for settings that this dataset cannot serve. */
export const planRun = (asked: Config, dataset: Dataset): RunPlan => {
  const config = settled(asked, dataset);
  const { seed, cohort, sampling, aggregation, delivery, dtype, evaluation, optimizer, decoys, ratings } = config;
  const trained = trainedUsers(dataset);
  if (cohort > trained) throw badInput('CONFIG', 'key cohort', `at most the fleet's ${trained} devices`, String(cohort));
  checkMeasured(config, (key) => `key ${key}`);
  checkCompatible(config);
  checkServes(config, dataset);
  const { lowest, highest } = dataset.scale;
  const cold = dataset.users - trained;
  const world: World = {
    ...{ devices: dataset.users, items: dataset.items, lowest, highest },
    ...(cold > 0 && { cold }),
    ...featuresRead(config, dataset),
  };
  const threads = threadsOf(config);
  const policy = policyOf(config, trained);
  const fleet = loadFleet(config);
  const perturbations = hostPerturbations(config, Math.min(threads, dataset.users));
  const train = cold === 0 ? countsOf(dataset).train : trainOffsetsOf(dataset)[trained]!;
  const roundsPerEpoch = countRounds(config, askedIn(policy, cohort, 0), trained, train);
  const stages = stagesOf(config, trained);
  const { unit } = stages;
  const length = stages.list.length === 0 ? Number.POSITIVE_INFINITY : lengthOf(stages);
  const bounds = [config.epochs * roundsPerEpoch, ...(config.rounds === 0 ? [] : [config.rounds])];
  const rounds = Math.min(...bounds, unit === 'rounds' ? Math.ceil(length) : Number.POSITIVE_INFINITY);
  const { schedule, optimizer: stepping } = splitOptimizer(optimizer, Math.ceil(rounds / roundsPerEpoch), train);
  const { definition } = chosen(ALGORITHM, config.algorithm);
  const updates = config.updates.map((name) => setupOf(config, UPDATE_STEP, name));
  const secure = secureOf(config, definition.wire(world, config[definition.name]).weighting ?? 'records');
  const readsOptimizer = definition.traits.reads.includes('optimizer');
  return {
    world,
    threads,
    roundsPerEpoch,
    rounds,
    epochs: Math.ceil(rounds / roundsPerEpoch),
    ends: unit === 'rounds' || length === Number.POSITIVE_INFINITY ? null : { unit, after: seconds(length) },
    stopOn: metricOf(stopMetricOf(config)),
    settings: {
      identity: identityOf(config),
      seed,
      cohort,
      sampler: setupOf(config, SAMPLER, sampling),
      aggregator: setupOf(config, AGGREGATOR, aggregation),
      updates,
      privacy: privacyOf(config, dataset.items),
      secure,
      roundsPerEpoch,
      rounds,
      delivery,
      evaluationDelivery: evaluation.delivery,
      metrics: evaluation.metrics,
      dtype,
      schedule: readsOptimizer ? schedule : constantRate(1),
      stages,
      policy,
      defence: config.defence,
      fleet: fleet === undefined ? null : countProfiles(fleet, dataset.users),
    },
    host: {
      algorithm: { ...setupOf(config, ALGORITHM, config.algorithm), optimizer: stepping },
      world,
      dtype,
      batch: { seed, ratings, decoys, items: dataset.items },
      measure: measureOptionsOf(config, dataset),
      ...(updates.length > 0 && { updates }),
      ...(secure !== null && { secure }),
      modelBytes: bytes((config.modelMemory * 1e6) / Math.min(threads, dataset.users)),
      ...(fleet === undefined ? {} : { fleet: withPerturbations(fleet, config) }),
      ...(perturbations === undefined ? {} : { perturbations }),
    },
  };
};
