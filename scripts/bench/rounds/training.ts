import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadAlgorithm } from '../../../src/algorithms/registry.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { loadDataset } from '../../../src/data/load.js';
import { keptSize } from '../../../src/device/actor/step-state.js';
import { PHASES, type Phase, type RoundFinished } from '../../../src/events/round.js';
import type { Config } from '../../../src/runs/config/config.js';
import { configKeys, flagSource, presetSource, resolveConfig } from '../../../src/runs/config/parse-config.js';
import { planRun, type RunPlan } from '../../../src/runs/trainer/plan.js';
import { shardDataset } from '../../../src/runs/trainer/shards.js';
import { startFleet } from '../../../src/transport/supervisor/fleet.js';
import { loadUpdateSteps } from '../../../src/updates/device-steps.js';

/**
 * A fleet that trains on demand and stands still otherwise, so that contenders can take turns within one process. The run itself
 * (startRun) is not used: it trains on by itself.
 */
export type Training = {
  readonly plan: RunPlan;
  readonly parameters: number;
  /** The next rounds, by their events. */
  rounds(count: number): Promise<readonly RoundFinished[]>;
  close(): Promise<void>;
};

export type Flags = Readonly<Record<string, string>>;

/** FedAvg of the small network, as the peers' programs and older versions have it. */
export const FEDAVG_NETWORK: Flags = {
  algorithm: 'fedavg',
  'fedavg.model': 'mlp',
  'fedavg.centring': 'none',
  'fedavg.localBatch': '64',
  'fedavg.localRate': '0.05',
  'fedavg.itemDecay': '0',
  'fedavg.userDecay': '0',
  'fedavg.serverRate': '1',
  'fedavg.serverSchedule': 'constant',
};

/** Keys that this version of metafleet does not have are left out. */
export const configOf = (flags: Flags, preset = 'default'): Config => {
  const known = Object.entries(flags).filter(([key]) => configKeys().some((candidate) => candidate.key === key));
  return resolveConfig(presetSource(preset), flagSource(Object.fromEntries(known)));
};

export const startTraining = async (config: Config, dataset: Dataset, observe?: (event: RoundFinished) => void): Promise<Training> => {
  const plan = planRun(config, dataset);
  const { world, threads, settings, host } = plan;
  const algorithm = await loadAlgorithm(host.algorithm, world);
  const steps = await loadUpdateSteps(host.updates ?? [], { up: algorithm.wire.up, items: world.items });
  let events: RoundFinished[] = [];
  const fleet = await startFleet({
    coordinator: { algorithm: host.algorithm, world, settings, threads },
    host,
    shards: shardDataset(dataset, threads, keptSize(algorithm.client().state, steps)),
    onEvent: (event) => {
      if (event.type !== 'round') throw new Error(`benchmark: a host died: ${event.type}`);
      events.push(event);
      observe?.(event);
    },
  });
  let until = 0;
  return {
    plan,
    parameters: fleet.parameters,
    rounds: async (count) => {
      events = [];
      until += count;
      await fleet.train(until);
      return events;
    },
    close: () => fleet.close(),
  };
};

const ML_1M_PLACES = [process.env['METAFLEET_ML_1M'], join('..', 'shared', 'data', 'ml-1m')];

/** MovieLens-1M in MetaMF's split where this machine has it (METAFLEET_ML_1M names its folder), else a synthetic set of its sizes. */
export const ml1mPlace = (): string | undefined =>
  ML_1M_PLACES.find((place) => place !== undefined && existsSync(join(place, 'train.tsv')));

export const loadMl1mShapes = (): Promise<Dataset> =>
  loadDataset(ml1mPlace() ?? 'synthetic:users=6040,items=3706,ratings=1000209', { split: 'auto', seed: 1 });

const total = (rounds: readonly RoundFinished[], of: (round: RoundFinished) => number): number =>
  rounds.reduce((sum, round) => sum + of(round), 0);

/** Means, not medians: a round may leave work to the next ones, and every so many of them one waits for it. */
export const roundMillis = (rounds: readonly RoundFinished[]): number => total(rounds, ({ millis }) => millis) / rounds.length;
export const phaseMillis = (rounds: readonly RoundFinished[]): Readonly<Record<Phase, number>> =>
  Object.fromEntries(PHASES.map((phase) => [phase, total(rounds, ({ phases }) => phases[phase]) / rounds.length])) as Record<Phase, number>;

export const ratingsPerSecond = (rounds: readonly RoundFinished[]): number =>
  (1000 * total(rounds, ({ ratings }) => ratings)) / total(rounds, ({ millis }) => millis);
export const devicesPerSecond = (rounds: readonly RoundFinished[]): number =>
  (1000 * total(rounds, ({ cohort }) => cohort)) / total(rounds, ({ millis }) => millis);

/** Bytes of one direction per device and round. */
export const bytesPerDevice = (rounds: readonly RoundFinished[], direction: 'down' | 'up'): number => {
  const bytesOf = ({ traffic }: RoundFinished): number =>
    traffic.reduce((sum, row) => sum + (row.direction === direction ? row.bytes : 0), 0);
  return total(rounds, bytesOf) / total(rounds, ({ cohort }) => cohort);
};
