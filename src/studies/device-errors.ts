import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../data/dataset.js';
import { forEachRating, type Predictor } from '../models/baselines/bias-models.js';
import { writeAtomically } from '../runs/folder/atomic-write.js';
import { inspectRun } from '../runs/trainer/inspect.js';
import { type PairedTest, pairedTTest } from './statistics.js';
import type { TrainedRun } from './train-all.js';

/**
 * Errors user by user, for the paired t-test. The paper does not say what a pair is. Here a pair is a user with test ratings.
 * The mean error over the user's test ratings is compared, averaged over the seeds that both models were trained with.
 * Ratings of one user are not independent of each other: pairs of ratings would make every difference look significant.
 * Ratings also never leave a device. The error sums of a user do.
 */
export type UserErrors = { readonly mae: Float64Array; readonly mse: Float64Array };

type Sums = { readonly count: readonly number[]; readonly absolute: readonly number[]; readonly squared: readonly number[] };

const FILE = 'device-errors.json';

/** Test error sums of each device with the best checkpoint of a run: measured once, then kept in its folder. */
const sumsOf = async ({ config, dataset, folder }: TrainedRun): Promise<Sums> => {
  const path = join(folder, FILE);
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as Sums;
  const inspection = await inspectRun({ config, dataset, checkpoint: join(folder, 'best.checkpoint') });
  try {
    const { count, absolute, squared } = (await inspection.measure()).test;
    const sums: Sums = { count: [...count], absolute: [...absolute], squared: [...squared] };
    await writeAtomically(path, `${JSON.stringify(sums)}\n`);
    return sums;
  } finally {
    await inspection.close();
  }
};

const errorsFrom = ({ count, absolute, squared }: Sums): UserErrors => ({
  mae: Float64Array.from(count, (ratings, user) => absolute[user]! / ratings),
  mse: Float64Array.from(count, (ratings, user) => squared[user]! / ratings),
});

/** NaN for users without test ratings. Undefined if the errors cannot be measured again, because private state was not kept. */
export const userErrorsOf = async (run: TrainedRun): Promise<UserErrors | undefined> =>
  run.config.algorithm === 'metamf' ? errorsFrom(await sumsOf(run)) : undefined;

export const userErrorsOfPredictor = (predict: Predictor, { users, parts }: Dataset): UserErrors => {
  const sums = {
    count: new Array<number>(users).fill(0),
    absolute: new Array<number>(users).fill(0),
    squared: new Array<number>(users).fill(0),
  };
  forEachRating(parts.test, (user, item, rating) => {
    const error = Math.abs(predict(user, item) - rating);
    sums.count[user]! += 1;
    sums.absolute[user]! += error;
    sums.squared[user]! += error * error;
  });
  return errorsFrom(sums);
};

const meanOver = (seeds: readonly UserErrors[], measure: keyof UserErrors): Float64Array =>
  seeds[0]![measure].map((_, user) => seeds.reduce((sum, errors) => sum + errors[measure][user]!, 0) / seeds.length);

export type PairedErrors = {
  readonly first: string;
  readonly second: string;
  readonly seeds: readonly number[];
  readonly mae: PairedTest;
  readonly mse: PairedTest;
};

/** Errors by seed of two models on the same ratings. Undefined where they have no seed in common. */
export const compare = (
  first: { readonly label: string; readonly bySeed: ReadonlyMap<number, UserErrors> },
  second: { readonly label: string; readonly bySeed: ReadonlyMap<number, UserErrors> },
): PairedErrors | undefined => {
  const seeds = [...first.bySeed.keys()].filter((seed) => second.bySeed.has(seed));
  if (seeds.length === 0) return undefined;
  const test = (measure: keyof UserErrors): PairedTest => {
    const [a, b] = [first, second].map(({ bySeed }) =>
      meanOver(
        seeds.map((seed) => bySeed.get(seed)!),
        measure,
      ),
    ) as [Float64Array, Float64Array];
    const rated = (_: number, user: number): boolean => Number.isFinite(a[user]!) && Number.isFinite(b[user]!);
    return pairedTTest(a.filter(rated), b.filter(rated));
  };
  return { first: first.label, second: second.label, seeds, mae: test('mae'), mse: test('mse') };
};
