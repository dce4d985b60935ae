import { ALGORITHM } from '../../algorithms/registry.js';
import type { Config } from '../../runs/config/config.js';
import { chosen } from '../../runs/config/definitions.js';
import { configKeys, configValue, resolveConfig, treeOf } from '../../runs/config/parse-config.js';
import type { RunSizes } from './cost-model.js';

/**
 * Which short runs predict what a sweep will cost. Points that differ in sizes alone are one group and share their coefficients.
 * In each group, the points at the ends of every size are run for a few rounds. They run on a synthetic fleet of the same shape,
 * no larger than needed. A size that a group does not vary need not vary here: its share is then part of the others.
 */
export type PlannedPoint = { readonly config: Config; readonly sizes: RunSizes };

/** Sizes, and keys that change the numbers and not the work. */
const NOT_OF_THE_KIND = [
  ...['data', 'split', 'columns', 'delimiter', 'scale', 'seed', 'results', 'cohort', 'ratings', 'decoys', 'epochs', 'rounds', 'patience'],
  ...['evaluation.every', 'checkpoint', 'metrics', 'baselines'],
  ...['optimizer.rate', 'optimizer.rateDecay', 'optimizer.decay', 'optimizer.decayOf', 'optimizer.clip'],
];

/** Points of one kind cost the same for the same sizes. */
export const kindOf = (config: Config): string => {
  const { name, sizes = [] } = chosen(ALGORITHM, config.algorithm).definition;
  const left = [...NOT_OF_THE_KIND, ...sizes.map((option) => `${name}.${option}`)];
  return JSON.stringify(
    configKeys()
      .filter(({ key }) => !left.some((each) => key === each || key.startsWith(`${each}.`)))
      .map(({ key }) => configValue(config, key)),
  );
};

/** As many as let the median round be one after the first, which wait for compilation. */
const ROUNDS = 30;
/** Larger cohorts are extrapolated to: a round of this many takes half a second or so. */
const MOST_COHORT = 4000;
/** Enough ratings for their share of the start and of the memory to stand out. */
const MANY_RATINGS = 10_000_000;
const FEW_RATINGS = 400_000;

/** A short run of the point's shape: as many items and ratings per device, on as many devices as `ratings` allow. */
const shortRun = ({ config, sizes }: PlannedPoint, ratings: number): Config => {
  const each = Math.max(1, Math.round(sizes.ratings / sizes.devices));
  const cohort = Math.min(sizes.cohort, MOST_COHORT);
  const users = Math.min(sizes.devices, Math.max(cohort, Math.round(ratings / each)));
  const changes = {
    data: `synthetic:users=${users},items=${sizes.items},ratings=${users * Math.min(each, sizes.items)}`,
    split: 'auto',
    columns: [],
    delimiter: '',
    scale: [],
    cohort,
    rounds: ROUNDS,
    epochs: 1_000_000,
    'evaluation.every': sizes.measurements > 0 ? 1_000_000 : 0,
    'checkpoint.best': false,
    baselines: false,
    'metrics.enabled': false,
  };
  return resolveConfig(...[config, treeOf(changes)].map((tree) => ({ tree, place: (path: readonly PropertyKey[]) => path.join('.') })));
};

const ENDS_OF: readonly (keyof RunSizes)[] = ['cohort', 'items', 'rowsUp', 'workPerRow', 'stepped'];

const extremes = (group: readonly PlannedPoint[]): PlannedPoint[] => {
  const by = (size: keyof RunSizes, sign: 1 | -1): PlannedPoint =>
    group.reduce((best, point) => (sign * point.sizes[size] > sign * best.sizes[size] ? point : best));
  return [...new Set(ENDS_OF.flatMap((size) => [by(size, -1), by(size, 1)]))];
};

/** The short runs for a sweep's points, by kind; each configuration once. */
export const calibrationRuns = (points: readonly PlannedPoint[]): ReadonlyMap<string, readonly Config[]> => {
  const groups = new Map<string, PlannedPoint[]>();
  for (const point of points) {
    const kind = kindOf(point.config);
    groups.set(kind, [...(groups.get(kind) ?? []), point]);
  }
  return new Map(
    Array.from(groups, ([kind, group]) => {
      const largest = group.reduce((best, point) => (point.sizes.ratings > best.sizes.ratings ? point : best));
      const runs = [...extremes(group).map((point) => shortRun(point, FEW_RATINGS)), shortRun(largest, MANY_RATINGS)];
      return [kind, [...new Map(runs.map((config) => [JSON.stringify(config), config])).values()]];
    }),
  );
};
