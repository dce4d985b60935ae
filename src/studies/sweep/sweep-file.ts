import { createHash } from 'node:crypto';
import { z } from 'zod';
import { badInput } from '../../base/errors.js';
import { type Config, PRESETS } from '../../runs/config/config.js';
import { identityOf, usesModule } from '../../runs/config/definitions.js';
import { checkEffects } from '../../runs/config/effects.js';
import {
  type ConfigSource,
  configKeys,
  configValue,
  presetSource,
  refuseIdleSettings,
  resolveConfig,
  schemaError,
  treeOf,
  yamlSource,
} from '../../runs/config/parse-config.js';
import { metricColumn } from '../../runs/folder/metric-columns.js';

/**
 * A sweep: runs over every combination of a grid, or over a list, of any configuration keys.
 *
 *   base     configuration keys of every run, as in `run --config`
 *   preset   starting point of every run
 *   grid     dotted key → values: every combination
 *   list     maps of dotted keys: one point each; with a grid, each of them in every combination
 *   repeats  runs of each point, with seeds seed, seed + 1, …
 *   curves   { x, y, by }: columns of the result, drawn on logarithmic axes with a fitted exponent; one line for each value of `by`
 */
const keysAndValues = z.record(z.string(), z.unknown());
const curve = z.strictObject({
  x: z.string().min(1),
  y: z.string().min(1),
  by: z.string().min(1).optional(),
  title: z.string().optional(),
});

const sweepSchema = z.strictObject({
  description: z.string().optional(),
  preset: z.enum(Object.keys(PRESETS)).default('default'),
  base: keysAndValues.default({}),
  grid: z.record(z.string(), z.array(z.unknown()).min(1)).default({}),
  list: z.array(keysAndValues).min(1).optional(),
  repeats: z.int().min(1).max(1000).default(1),
  curves: z.array(curve).default([]),
});

export type Curve = z.infer<typeof curve>;

/** Columns of every sweep's result. The keys that vary, metrics and predictions are added. Milliseconds, bytes, seconds. */
const COLUMNS = [
  ...['point', 'repeat', 'seed', 'devices', 'items', 'parameters', 'cohort', 'rounds', 'reason', 'roundMillis', 'roundMillisP95'],
  ...['roundCpuMillis', 'startMillis', 'measureMillis', 'bytesDownPerRound', 'bytesUpPerRound', 'memoryBytes', 'seconds'],
  'digest',
] as const;

/** One run to be made. `varied` holds the keys that tell it from others; `name` is the same whenever the configuration is. */
export type SweepPoint = {
  readonly name: string;
  readonly varied: Readonly<Record<string, unknown>>;
  readonly repeat: number;
  readonly config: Config;
};

export type Sweep = { readonly description: string; readonly points: readonly SweepPoint[]; readonly curves: readonly Curve[] };

/** What only watches a run or compares it costs time that is not the run's: off, unless the file turns it on. */
const SWEEP_DEFAULTS: ConfigSource = {
  tree: { baselines: false, metrics: { enabled: false }, checkpoint: { best: false } },
  place: (path) => path.join('.'),
};

type Values = Readonly<Record<string, unknown>>;

const combinations = (grid: Readonly<Record<string, readonly unknown[]>>): Values[] =>
  Object.entries(grid).reduce<Values[]>(
    (rows, [key, values]) => rows.flatMap((row) => values.map((value) => ({ ...row, [key]: value }))),
    [{}],
  );

/** Where a run's results lie does not make it another run. Another module under the same path does. */
const contentOf = (config: Config): string =>
  JSON.stringify([
    ...configKeys()
      .filter(({ key }) => key !== 'results')
      .map(({ key }) => [key, configValue(config, key)]),
    ...(usesModule(config) ? [identityOf(config)] : []),
  ]);

const slug = (text: string, longest: number): string =>
  text
    .replace(/^synthetic:/, '')
    .replace(/[^A-Za-z0-9.]+/g, '-')
    .slice(0, longest)
    .replace(/^[-.]+|[-.]+$/g, '');

/** `users-1000-cohort-64-seed-1-3fa9c2d1`: readable, and another one for every other configuration. */
const nameOf = (config: Config, varied: Values): string => {
  const words = Object.entries({ ...varied, seed: config.seed }).map(([key, value]) => {
    const shown = slug(String(value), 16);
    return key === 'data' ? shown : `${key.split('.').at(-1)}-${shown}`;
  });
  const hash = createHash('sha256').update(contentOf(config)).digest('hex').slice(0, 8);
  return `${slug(words.join('-'), 80)}-${hash}`;
};

/** Throws CONFIG for a curve of a column that the result does not have. */
const checkCurves = (curves: readonly Curve[], points: readonly SweepPoint[], source: ConfigSource): void => {
  const columns = points.flatMap(({ varied, config }) => [
    ...Object.keys(varied),
    ...config.evaluation.metrics.flatMap((metric) => (['valid', 'test'] as const).map((part) => metricColumn(part, metric))),
  ]);
  const known = new Set<string>([...columns, ...COLUMNS]);
  for (const [index, curve] of curves.entries()) {
    for (const side of ['x', 'y', 'by'] as const) {
      const column = curve[side];
      if (column !== undefined && !known.has(column))
        throw badInput(
          'CONFIG',
          source.place(['curves', index, side]),
          'a column of the result or a key that varies',
          JSON.stringify(column),
        );
    }
  }
};

/** A setting, or a key of the grid, that no point reads. */
const refuseIdle = (points: readonly SweepPoint[], base: readonly ConfigSource[], grid: readonly string[], source: ConfigSource): void => {
  const configs = points.map(({ config }) => config);
  refuseIdleSettings(configs, base);
  checkEffects(configs, grid, (key) => source.place(['grid', key]));
};

/** Reads a sweep file. Throws CONFIG naming `file:line`, the key, what was expected and what was found. */
export const parseSweep = (text: string, file: string): Sweep => {
  const source = yamlSource(text, file);
  const parsed = sweepSchema.safeParse(source.tree);
  if (!parsed.success) throw schemaError(parsed.error, source, Object.keys(sweepSchema.shape));
  const { description = '', preset, base, grid, list, repeats, curves } = parsed.data;
  const repeated = list?.flatMap(Object.keys).find((key) => Object.hasOwn(grid, key));
  if (repeated !== undefined)
    throw badInput('CONFIG', source.place(['grid', repeated]), 'a key that list does not vary', 'one that it does');

  const sources = [
    presetSource(preset),
    SWEEP_DEFAULTS,
    { tree: treeOf(base), place: (path) => source.place(['base', ...path]) } satisfies ConfigSource,
  ];
  const configOf = (varied: Values, entry: number): Config => {
    // Said where the value stands: under grid by its dotted key, or in the list's entry.
    const place = (path: readonly PropertyKey[]): string => {
      const key = [...Object.keys(varied)].find((name) => path.join('.').startsWith(name)) ?? path.join('.');
      return source.place(Object.hasOwn(grid, key) ? ['grid', key] : ['list', entry, key]);
    };
    return resolveConfig(...sources, { tree: treeOf(varied), place });
  };
  const points = (list ?? [{}]).flatMap((one, entry) =>
    combinations(grid).flatMap((values) => {
      const varied = { ...one, ...values };
      const config = configOf(varied, entry);
      return Array.from({ length: repeats }, (_, repeat): SweepPoint => {
        const seeded = { ...config, seed: config.seed + repeat };
        return { name: nameOf(seeded, varied), varied, repeat, config: seeded };
      });
    }),
  );
  const twice = points.find(({ name }, index) => points.findIndex((other) => other.name === name) !== index);
  if (twice !== undefined) throw badInput('CONFIG', file, 'points that differ', `${JSON.stringify(twice.varied)} twice`);
  refuseIdle(points, sources.slice(-1), Object.keys(grid), source);
  checkCurves(curves, points, source);
  return { description, points, curves };
};
