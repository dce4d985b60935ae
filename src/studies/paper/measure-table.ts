import { countsOf, type Dataset } from '../../data/dataset.js';
import type { MetricValues } from '../../events/evaluation.js';
import { fitBaselines } from '../../models/baselines/baselines.js';
import { commandOf } from '../../runs/folder/run-store.js';
import { readSummary } from '../../runs/folder/stored-run.js';
import { measurePredictor } from '../../runs/trainer/baselines.js';
import { measureOptionsOf } from '../../runs/trainer/plan.js';
import { readEpochsWithCosts } from '../history.js';
import type { Loader, PlannedRun, StudyHooks, TrainedRun } from '../train-all.js';
import { compare, type UserMetrics, type UsersBySeed, userMetricsOf, userMetricsOfPredictor } from '../user-metrics.js';
import { additionsOf, UNMEASURED } from './configurations.js';
import type { Line, Study } from './definitions.js';
import { PAPER_SETS, paperSetOf } from './published.js';
import type { BaselineResult, Comparison, DataFacts, ErrorsAt, LineResult, PaperErrors, RunFigures, TableResult } from './table-result.js';

export const factsOf = (place: string, dataset: Dataset): DataFacts => {
  const set = paperSetOf(dataset);
  return {
    place,
    name: dataset.name,
    title: set === undefined ? null : PAPER_SETS[set].title,
    measured: set !== undefined && !UNMEASURED.includes(set),
    users: dataset.users,
    items: dataset.items,
    ratings: countsOf(dataset),
  };
};

const paperErrors = (values: MetricValues | null): PaperErrors => ({ mae: values?.['mae'] ?? null, mse: values?.['mse'] ?? null });

const figuresOf = async ({ config, seed, folder, digest }: TrainedRun): Promise<RunFigures> => {
  const summary = readSummary(folder);
  const epochs = await readEpochsWithCosts(folder);
  const { test, valid, bestEpoch, lastEpoch } = summary;
  const at = (epoch: number | null, errors: typeof test.best): ErrorsAt => ({ epoch: epoch ?? 0, ...paperErrors(errors) });
  return {
    run: summary.run,
    command: commandOf(config),
    seed,
    digest: summary.digest,
    data: digest,
    reason: summary.reason,
    parameters: summary.parameters,
    additions: additionsOf(config),
    best: at(bestEpoch, test.best),
    last: at(lastEpoch, test.last),
    bestValidMse: paperErrors(valid.best).mse,
    groups: summary.groups.flatMap(({ group, devices, test: errors }) =>
      errors.best === null ? [] : [{ group, devices, ...paperErrors(errors.best) }],
    ),
    rounds: summary.rounds.total,
    epochs: summary.epochs,
    bytesPerDevice: summary.bytes.perDevice,
    bytes: summary.bytes.training,
    wallMillis: summary.wallMillis,
    cpuMillis: epochs.at(-1)?.cpuMillis ?? 0,
    curve: epochs.map(({ epoch, round, valid, test: errors }) => ({ epoch, round, valid, test: errors })),
  };
};

const errorsOfLine = async (label: string, runs: readonly TrainedRun[], hooks: StudyHooks): Promise<UsersBySeed> => {
  const bySeed = new Map<number, UserMetrics>();
  for (const run of runs) {
    hooks.stage(`errors user by user: ${label}, seed ${run.seed}`);
    const errors = await userMetricsOf(run);
    if (errors !== undefined) bySeed.set(run.seed, errors);
  }
  return { label, bySeed };
};

const measureBaselineLines = async (
  runs: readonly PlannedRun[],
  load: Loader,
  hooks: StudyHooks,
): Promise<readonly { readonly result: BaselineResult; readonly errors: UsersBySeed }[]> => {
  type Fitted = { readonly seeds: BaselineResult['seeds'][number][]; readonly bySeed: Map<number, UserMetrics> };
  const lines = new Map<string, Fitted>();
  for (const { seed, config } of runs) {
    const { dataset } = await load(config);
    hooks.stage(`fitting the baselines, seed ${seed}`);
    const options = measureOptionsOf(config, dataset);
    for (const [label, predict] of Object.entries(await fitBaselines(dataset, seed))) {
      const line: Fitted = lines.get(label) ?? { seeds: [], bySeed: new Map() };
      line.seeds.push({ seed, ...paperErrors(measurePredictor(predict, dataset, options)) });
      line.bySeed.set(seed, userMetricsOfPredictor(predict, dataset, options));
      lines.set(label, line);
    }
  }
  return [...lines].map(([label, { seeds, bySeed }]) => ({ result: { label, seeds }, errors: { label, bySeed } }));
};

const paperComparison = (a: UsersBySeed, b: UsersBySeed): readonly Comparison[] => {
  const found = compare(a, b);
  if (found === undefined) return [];
  const { tests, ...rest } = found;
  return [{ ...rest, mae: tests['mae']!, mse: tests['mse']! }];
};

export type TableParts = {
  readonly study: Study;
  readonly trained: readonly TrainedRun[];
  readonly load: Loader;
  readonly hooks: StudyHooks;
};

/** What a table's finished runs say: errors, costs, tests. */
export const measureTable = async ({
  study,
  trained,
  load,
  hooks,
}: TableParts): Promise<Pick<TableResult, 'lines' | 'baselines' | 'comparisons'>> => {
  const runsOf = ({ label }: Pick<Line, 'label'>): TrainedRun[] => trained.filter((run) => run.label === label);
  const lines: LineResult[] = [];
  for (const { label, published } of study.lines)
    lines.push({ label, published, runs: await Promise.all(runsOf({ label }).map(figuresOf)) });
  const first = study.lines[0]!;
  const fitted = study.baselines ? await measureBaselineLines(runsOf(first), load, hooks) : [];
  const compared = new Set(study.comparisons.flat());
  if (study.baselines) compared.add(first.label);
  const errors = new Map<string, UsersBySeed>();
  for (const label of compared) errors.set(label, await errorsOfLine(label, runsOf({ label }), hooks));
  const pairs: (readonly [UsersBySeed, UsersBySeed])[] = [
    ...study.comparisons.map(([a, b]) => [errors.get(a)!, errors.get(b)!] as const),
    ...fitted.map(({ errors: other }) => [errors.get(first.label)!, other] as const),
  ];
  return {
    lines,
    baselines: fitted.map(({ result }) => result),
    comparisons: pairs.flatMap(([a, b]) => paperComparison(a, b)),
  };
};
