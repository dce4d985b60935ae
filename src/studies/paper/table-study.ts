import { badInput } from '../../base/errors.js';
import type { Config } from '../../runs/config/config.js';
import { stopMetricOf } from '../../runs/config/measured.js';
import { type ConfigSource, resolveConfig } from '../../runs/config/parse-config.js';
import type { Environment } from '../../runs/folder/environment.js';
import { createLoader, type PlannedRun, type StudyHooks, trainAll } from '../train-all.js';
import { QUICK, type Settings } from './configurations.js';
import { type Line, type StudyName, studyOf } from './definitions.js';
import { factsOf, measureTable } from './measure-table.js';
import { paperSetOf } from './published.js';
import type { TableResult } from './table-result.js';

/** What every study of `metafleet paper` is asked with. */
export type StudyOptions = {
  readonly data: string;
  readonly seeds: readonly number[];
  readonly quick: boolean;
  /** Folder for the run folders. */
  readonly runs: string;
  /** Settings of the command line, on top of everything. */
  readonly flags: ConfigSource;
  /** The command itself, for readers of its results. */
  readonly command: string;
  readonly environment: Environment;
};

const sourceOf = (name: string, settings: Settings): ConfigSource => ({
  tree: settings as Record<string, unknown>,
  place: (path) => `${name}, key ${path.join('.')}`,
});

/** Runs of studies serve no metrics and fit no baselines of their own; their best weights are needed afterwards. One checkpoint each: there are many. */
const BASE = { metrics: { enabled: false }, baselines: false, checkpoint: { best: true, keep: 1 } } as const satisfies Settings;

/** Throws CONFIG for settings under which the tables would be others': what is published are MAE and MSE, at the best MSE. */
const checkMetrics = (config: Config): Config => {
  const { metrics } = config.evaluation;
  const missing = ['mae', 'mse'].find((name) => !metrics.includes(name));
  if (missing !== undefined)
    throw badInput('CONFIG', 'key evaluation.metrics', 'mae and mse among the metrics of a paper study', metrics.join(', '));
  if (stopMetricOf(config) !== 'mse') throw badInput('CONFIG', 'key stopOn', 'mse, or auto, in a paper study', config.stopOn);
  return config;
};

const configFor = ({ label, settings }: Line, seed: number, { data, quick, flags, runs }: StudyOptions): Config =>
  checkMetrics(
    resolveConfig(
      sourceOf('study', { ...BASE, data, results: runs }),
      ...settings.map((each) => sourceOf(label, each)),
      ...(quick ? [sourceOf('--quick', QUICK)] : []),
      flags,
      sourceOf('--seeds', { seed }),
    ),
  );

export const plannedRuns = (lines: readonly Line[], options: StudyOptions): readonly PlannedRun[] =>
  options.seeds.flatMap((seed) => lines.map((line) => ({ label: line.label, seed, config: configFor(line, seed, options) })));

/** The set as the command line names it, before a study adds anything. */
export const plainConfig = (options: StudyOptions): Config =>
  configFor({ label: 'data', settings: [], published: [] }, options.seeds[0]!, options);

/** Trains what a table needs and is not there yet, and measures it. When interrupted: the table so far, with what is missing. */
export const runTable = async (name: StudyName, options: StudyOptions, hooks: StudyHooks): Promise<TableResult> => {
  const load = createLoader(hooks);
  const { dataset } = await load(plainConfig(options));
  const study = studyOf(name, paperSetOf(dataset));
  const runs = plannedRuns(study.lines, options);
  const trained = await trainAll(runs, { root: options.runs, environment: options.environment }, load, hooks);
  const measured = await measureTable({ study, trained, load, hooks });
  const { title, question, others, groups } = study;
  return {
    version: 1,
    study: name,
    title,
    question,
    command: options.command,
    quick: options.quick,
    missing: runs.slice(trained.length).map(({ label, seed }) => `${label}, seed ${seed}`),
    data: factsOf(options.data, dataset),
    environment: options.environment,
    ...measured,
    others,
    groups,
  };
};
