import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAlgorithm } from '../algorithms/registry.js';
import type { Dataset } from '../data/dataset.js';
import type { MeasureOptions } from '../device/actor/measure.js';
import { createMetricSet } from '../metrics/metric-set.js';
import type { Predictor } from '../models/baselines/bias-models.js';
import { writeAtomically } from '../runs/folder/atomic-write.js';
import { forEachUser } from '../runs/trainer/baselines.js';
import { inspectRun } from '../runs/trainer/inspect.js';
import { planRun } from '../runs/trainer/plan.js';
import { type PairedTest, pairedTTest } from './statistics.js';
import type { TrainedRun } from './train-all.js';

/**
 * Metrics user by user, for the paired t-test. The paper does not say what it paired. Here a pair is a user with test ratings.
 * Its value is the user's metric, such as the mean error over its test ratings, averaged over the seeds of both models.
 * Ratings of one user are not independent: pairs of ratings would make every difference look significant.
 * Ratings also never leave a device, but its sums do. NaN for users without a measurement.
 */
export type UserMetrics = Readonly<Record<string, Float64Array>>;

/** Of each device: the sums of a metric set on its test ratings, one list for each sum. */
type Stored = { readonly metrics: readonly string[]; readonly sums: readonly (readonly number[])[] };

const FILE = 'device-metrics.json';

/** Sums with the best checkpoint of a run: measured once, then kept in its folder. */
const sumsOf = async ({ config, dataset, folder }: TrainedRun): Promise<Stored> => {
  const path = join(folder, FILE);
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as Stored;
  const inspection = await inspectRun({ config, dataset, checkpoint: join(folder, 'best.checkpoint') });
  try {
    const { metrics, test } = await inspection.measure();
    const stored: Stored = { metrics, sums: test.sums.map((column) => [...column]) };
    await writeAtomically(path, `${JSON.stringify(stored)}\n`);
    return stored;
  } finally {
    await inspection.close();
  }
};

/** Each user's values, from its sums. */
const userMetrics = (names: readonly string[], users: number, sumsOfUser: (user: number) => Float64Array): UserMetrics => {
  const set = createMetricSet(names);
  const columns = Object.fromEntries(names.map((name) => [name, new Float64Array(users)]));
  for (let user = 0; user < users; user++)
    for (const [name, value] of Object.entries(set.values(sumsOfUser(user)))) columns[name]![user] = value ?? Number.NaN;
  return columns;
};

/** Undefined where a device's metrics cannot be had again: its private state was not kept. */
export const userMetricsOf = async (run: TrainedRun): Promise<UserMetrics | undefined> => {
  const { host, world } = planRun(run.config, run.dataset);
  if ((await loadAlgorithm(host.algorithm, world)).client().state !== undefined) return undefined;
  const { metrics, sums } = await sumsOf(run);
  return userMetrics(metrics, run.dataset.users, (user) => Float64Array.from(sums, (column) => column[user]!));
};

export const userMetricsOfPredictor = (predict: Predictor, dataset: Dataset, options: MeasureOptions): UserMetrics => {
  const sums: Float64Array[] = [];
  forEachUser(predict, dataset, options, (user, own) => {
    sums[user] = own;
  });
  return userMetrics(options.metrics, dataset.users, (user) => sums[user]!);
};

const meanOver = (seeds: readonly UserMetrics[], metric: string): Float64Array =>
  seeds[0]![metric]!.map((_, user) => seeds.reduce((sum, metrics) => sum + metrics[metric]![user]!, 0) / seeds.length);

export type UsersBySeed = { readonly label: string; readonly bySeed: ReadonlyMap<number, UserMetrics> };

/** `tests`: by metric, of those that both models were measured by. */
export type Paired = {
  readonly first: string;
  readonly second: string;
  readonly seeds: readonly number[];
  readonly tests: Readonly<Record<string, PairedTest>>;
};

/** Metrics by seed of two models on the same ratings. Undefined where they have no seed in common. */
export const compare = (first: UsersBySeed, second: UsersBySeed): Paired | undefined => {
  const seeds = [...first.bySeed.keys()].filter((seed) => second.bySeed.has(seed));
  if (seeds.length === 0) return undefined;
  const of = ({ bySeed }: UsersBySeed): readonly UserMetrics[] => seeds.map((seed) => bySeed.get(seed)!);
  const common = Object.keys(of(first)[0]!).filter((metric) => [...of(first), ...of(second)].every((each) => Object.hasOwn(each, metric)));
  const test = (metric: string): PairedTest => {
    const [a, b] = [meanOver(of(first), metric), meanOver(of(second), metric)];
    const isMeasured = (_: number, user: number): boolean => Number.isFinite(a[user]!) && Number.isFinite(b[user]!);
    return pairedTTest(a.filter(isMeasured), b.filter(isMeasured));
  };
  return { first: first.label, second: second.label, seeds, tests: Object.fromEntries(common.map((metric) => [metric, test(metric)])) };
};
