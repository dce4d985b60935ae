import { loadAlgorithm } from '../../algorithms/registry.js';
import { SAMPLER } from '../../coordinator/sampling/registry.js';
import { countsOf, type Dataset, trainOffsetsOf } from '../../data/dataset.js';
import { elements } from '../../messages/wire-tensor.js';
import type { Config } from '../../runs/config/config.js';
import { chosen } from '../../runs/config/definitions.js';
import { planRun } from '../../runs/trainer/plan.js';
import { fitShares } from './least-squares.js';

/**
 * What a run will take, from what it has to do. Costs are linear in a run's sizes, and the coefficients are those of this machine:
 * they are fitted to short measured runs (calibration.ts), never assumed.
 *
 *   a round     fixed + devices of the cohort + item rows generated × numbers per row + rows sent back × numbers per row + Θ stepped
 *               + devices of the fleet, since less of a larger one is in the caches
 *   the start   fixed + ratings loaded + Θ initialized
 *   measuring   fixed + devices of the fleet + held-out rows × numbers per row
 *   bytes       devices × (header + dense part) + rows × (id + numbers)
 *   memory      fixed + ratings + Θ with its optimizer + what a round holds
 */
export type RunSizes = {
  readonly devices: number;
  readonly items: number;
  /** All ratings of the dataset. */
  readonly ratings: number;
  readonly cohort: number;
  /** Item rows of one device: sent down, sent up, and asked for when it is measured. */
  readonly rowsDown: number;
  readonly rowsUp: number;
  readonly rowsMeasured: number;
  /** Multiplications behind one item row of a model. */
  readonly workPerRow: number;
  /** Numbers of one item row, and of the dense part, as they travel. */
  readonly rowWidth: number;
  readonly dense: number;
  /** Numbers in Θ, and how many of them each step passes over. */
  readonly parameters: number;
  readonly stepped: number;
  readonly rounds: number;
  readonly measurements: number;
};

/**
 * Milliseconds and bytes. `roundMillis`, `bytesDown` and `bytesUp` are of one round, `measureMillis` of one measurement.
 * `roundCpuMillis` is what all threads compute in a round. It does not depend on other work of the machine.
 */
export type Costs = {
  readonly startMillis: number;
  readonly roundMillis: number;
  readonly roundCpuMillis: number;
  readonly measureMillis: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
  readonly memoryBytes: number;
};

/** Rows a device of a cohort takes part with, by how cohorts are drawn: the active come up more often when drawn by activity. */
const meanBatch = ({ ratings, sampling }: Config, dataset: Dataset): number => {
  const { users } = dataset;
  const offsets = trainOffsetsOf(dataset);
  const byRecords = chosen(SAMPLER, sampling).definition.traits.inProportionTo === 'records';
  let rows = 0;
  let weights = 0;
  for (let device = 0; device < users; device++) {
    const held = offsets[device + 1]! - offsets[device]!;
    const weight = byRecords ? held : 1;
    rows += weight * (ratings === 'all' ? held : Math.min(held, ratings));
    weights += weight;
  }
  return rows / Math.max(1, weights);
};

/** Throws CONFIG for settings that the dataset cannot serve. */
export const sizesOf = async (config: Config, dataset: Dataset): Promise<RunSizes> => {
  const { host, world, rounds, epochs } = planRun(config, dataset);
  const { train, valid, test } = countsOf(dataset);
  const algorithm = await loadAlgorithm(host.algorithm, world);
  const { down: tensors } = algorithm.wire;
  const numbers = (perRow: boolean): number =>
    tensors.filter((spec) => spec.perRow === perRow).reduce((sum, { shape }) => sum + elements(shape), 0);
  const batch = meanBatch(config, dataset);
  const { delivery, decoys, evaluation } = config;
  const heldOut = (valid + test) / dataset.users;
  const { every } = evaluation;
  return {
    devices: dataset.users,
    items: dataset.items,
    ratings: train + valid + test,
    cohort: Math.min(config.cohort, dataset.users),
    rowsDown: delivery === 'full' ? dataset.items : Math.min(dataset.items, batch + decoys),
    rowsUp: Math.min(dataset.items, batch + decoys),
    rowsMeasured: evaluation.delivery === 'full' ? dataset.items : Math.min(dataset.items, heldOut + decoys),
    rowWidth: numbers(true),
    dense: numbers(false),
    ...algorithm.cost(),
    rounds,
    // The last epoch is measured whenever any is.
    measurements: every === 0 ? 0 : Math.ceil(epochs / every),
  };
};

const ofRound = ({ devices, cohort, rowsDown, rowsUp, workPerRow, stepped }: RunSizes): number[] => [
  1,
  devices,
  cohort,
  cohort * rowsDown * workPerRow,
  cohort * rowsUp * workPerRow,
  stepped,
];

const FEATURES: Readonly<Record<keyof Costs, (sizes: RunSizes) => number[]>> = {
  startMillis: ({ ratings, parameters }) => [1, ratings, parameters],
  roundMillis: ofRound,
  roundCpuMillis: ofRound,
  measureMillis: ({ devices, rowsMeasured, workPerRow }) => [1, devices, devices * rowsMeasured * workPerRow],
  bytesDown: ({ cohort, rowsDown, rowWidth, dense }) => [cohort, cohort * dense, cohort * rowsDown, cohort * rowsDown * rowWidth],
  bytesUp: ({ cohort, rowsUp, rowWidth, dense }) => [cohort, cohort * dense, cohort * rowsUp, cohort * rowsUp * rowWidth],
  memoryBytes: ({ ratings, parameters, cohort, rowsDown, rowWidth }) => [1, ratings, parameters, cohort * rowsDown * rowWidth],
};

const COSTS = Object.keys(FEATURES) as (keyof Costs)[];

/** Predicts the costs of a run of given sizes. */
export type CostModel = (sizes: RunSizes) => Costs;

/** What was measured of one run; a cost it did not have is absent. */
export type CostSample = { readonly sizes: RunSizes; readonly costs: Partial<Costs> };

/** Fits each cost to the samples that have it; a cost that none has is predicted as 0. */
export const fitCosts = (samples: readonly CostSample[]): CostModel => {
  const fits = COSTS.map((cost) => {
    const having = samples.filter(({ costs }) => (costs[cost] ?? 0) > 0);
    return fitShares(
      having.map(({ sizes }) => FEATURES[cost](sizes)),
      having.map(({ costs }) => costs[cost]!),
    );
  });
  return (sizes) =>
    Object.fromEntries(
      COSTS.map((cost, index) => [cost, FEATURES[cost](sizes).reduce((sum, value, j) => sum + value * (fits[index]![j] ?? 0), 0)]),
    ) as Costs;
};

/** Wall time of a whole run, if nothing ends it early. */
export const totalMillis = ({ startMillis, roundMillis, measureMillis }: Costs, { rounds, measurements }: RunSizes): number =>
  startMillis + rounds * roundMillis + measurements * measureMillis;
