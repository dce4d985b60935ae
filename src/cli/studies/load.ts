import { readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { Command } from 'commander';
import { badInput, isMetafleetError, messageOf } from '../../base/errors.js';
import type { RunEvent } from '../../events/run-event.js';
import type { Config } from '../../runs/config/config.js';
import { installModulesOf, installModulesWithin } from '../../runs/config/install-modules.js';
import { loadConfigured } from '../../runs/config/load-data.js';
import { yamlSource } from '../../runs/config/parse-config.js';
import { writeAtomically } from '../../runs/folder/atomic-write.js';
import { describeEnvironment } from '../../runs/folder/environment.js';
import { openResults } from '../../runs/folder/results-folder.js';
import { trainInto, type Watched } from '../../runs/folder/run-folder.js';
import { planRun } from '../../runs/trainer/plan.js';
import type { Outcome } from '../../runs/trainer/run.js';
import { createLoadMetrics, type LoadMetrics, STATISTICS } from '../../studies/load/load-metrics.js';
import { renderLoadTable } from '../../studies/load/load-table.js';
import { parseScenario, type Scenario } from '../../studies/load/scenario.js';
import { judgeThresholds, type ThresholdVerdict } from '../../studies/load/thresholds.js';
import { chooseImplementation } from '../../tensor/kernels/probe.js';
import { addJson, answer, type JsonFlag } from '../json-output.js';
import { createProgress, type ProgressDisplay } from '../progress/progress.js';
import { onInterrupt } from '../signals/interrupt.js';
import { INTERRUPTED } from '../signals/signals.js';
import { VERSION } from '../version.js';

type Flags = JsonFlag & { readonly set: readonly string[]; readonly duration?: string; readonly quiet?: boolean };

/** k6's exit code for thresholds that were crossed. */
const CROSSED = 99;

const readScenario = async (file: string, { set, duration }: Flags): Promise<Scenario> => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw badInput('CONFIG', file, 'a readable scenario file', messageOf(error));
  }
  const pairs = set.map((pair): [string, string] => {
    const at = pair.indexOf('=');
    if (at < 1) throw badInput('CONFIG', 'flag --set', 'key=value', JSON.stringify(pair));
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  await installModulesWithin(yamlSource(text, file), ['base', 'reference']);
  await installModulesOf({ tree: Object.fromEntries(pairs) });
  return parseScenario(text, file, { set: Object.fromEntries(pairs), ...(duration !== undefined && { duration }) });
};

type Ended = { readonly outcome: Outcome | undefined; readonly error: Error | undefined; readonly folder: string; readonly memory: number };

/** One run into a folder of its own. A run that fails is an end, too: what it did until then is judged. */
const runLoad = async (config: Config, name: string, observe: (event: RunEvent) => void, progress: ProgressDisplay): Promise<Ended> => {
  const watched: Watched = {};
  const release = onInterrupt(progress, () => watched);
  try {
    progress.stage(`reading ${config.data}`);
    const dataset = await loadConfigured(config, (note) => progress.note(note));
    planRun(config, dataset);
    watched.state = 'begun';
    const results = await openResults(config.results, { data: name, algorithm: 'load', date: new Date() }, { warn: progress.note });
    const environment = describeEnvironment({ metafleet: VERSION, kernels: chooseImplementation() });
    const parts = { config, dataset, results, environment, baselines: {}, resume: false };
    const observers = [progress.observe, observe];
    let outcome: Outcome | undefined;
    let error: Error | undefined;
    try {
      outcome = await trainInto({ ...parts, observers, stage: progress.stage, note: progress.note }, watched);
    } catch (failure) {
      if (!isMetafleetError(failure) || watched.run === undefined) throw failure;
      error = failure;
    }
    return { outcome, error, folder: results.paths.folder, memory: watched.summary?.summary().memory.rssPeakBytes ?? Number.NaN };
  } finally {
    release();
  }
};

const EVENT_RATE_FLOOR = 1e-3;

const startMetrics = ({ evaluation }: Config): LoadMetrics => {
  const start = performance.now();
  return createLoadMetrics(evaluation.metrics, () => Math.max(EVENT_RATE_FLOOR, (performance.now() - start) / 1000));
};

/** Everything the table says, for programs; what is not finite is null. */
const documentOf = (file: string, { outcome, error }: Ended, metrics: LoadMetrics, verdicts: readonly ThresholdVerdict[]): object => {
  const values = Object.entries(metrics.facts).map(([metric, { kind }]) => {
    const statistics = STATISTICS[kind];
    return [metric, Object.fromEntries(statistics.map((statistic) => [statistic, metrics.value(metric, statistic)]))];
  });
  const thresholds = verdicts.map(({ metric, text, value, passed }) => ({ metric, threshold: text, value, passed }));
  const end = { ...outcome, error: error?.message ?? null };
  return { scenario: file, ...end, thresholds, metrics: Object.fromEntries(values) };
};

const loadOnce = async (file: string, flags: Flags, progress: ProgressDisplay): Promise<number> => {
  const scenario = await readScenario(file, flags);
  const name = basename(file, extname(file));
  let reference: LoadMetrics | undefined;
  if (scenario.reference !== undefined) {
    progress.note('the reference run first');
    const earlier = startMetrics(scenario.reference);
    const { outcome, error } = await runLoad(scenario.reference, `${name}-reference`, earlier.observe, progress);
    if (error !== undefined) throw error;
    if (outcome?.reason === 'interrupted') return INTERRUPTED;
    reference = earlier;
  }
  const metrics = startMetrics(scenario.config);
  const ended = await runLoad(scenario.config, name, metrics.observe, progress);
  metrics.set('memory', ended.memory);
  if (reference !== undefined)
    for (const metric of scenario.config.evaluation.metrics)
      metrics.set(`${metric}_ratio`, metrics.value(metric, 'value') / reference.value(metric, 'value'));
  const verdicts = judgeThresholds(scenario.thresholds, metrics);
  progress.close();
  const document = documentOf(file, ended, metrics, verdicts);
  await writeAtomically(join(ended.folder, 'load.json'), `${JSON.stringify(document, null, 2)}\n`);
  answer(flags, {
    document: () => ({ folder: ended.folder, ...document }),
    text: () =>
      [
        `${name}: ${scenario.description}\n\n${renderLoadTable(metrics, verdicts)}\n`,
        ...(ended.outcome === undefined
          ? []
          : [`${ended.outcome.reason} after round ${ended.outcome.round}, digest ${ended.outcome.digest}`]),
        `results in ${ended.folder}\n`,
      ].join('\n'),
  });
  const crossed = verdicts.filter(({ passed }) => !passed);
  if (crossed.length > 0) {
    process.stderr.write(`metafleet: thresholds crossed: ${crossed.map(({ metric, text }) => `${metric}: ${text}`).join('; ')}\n`);
  }
  if (ended.error !== undefined) process.stderr.write(`metafleet: the run failed: ${ended.error.message}\n`);
  if (ended.outcome?.reason === 'interrupted') return INTERRUPTED;
  return crossed.length > 0 ? CROSSED : ended.error === undefined ? 0 : 1;
};

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** `metafleet load <scenario>`: a scripted load test that ends in a table and an exit code. */
export const loadCommand = (): Command =>
  addJson(
    new Command('load')
      .argument('<scenario>', 'scenario file (YAML), such as scripts/load/smoke.yaml')
      .option('--set <key=value>', 'configuration key over the scenario; may be repeated', collect, [])
      .option('--duration <span>', 'length of all stages together, such as "10 min wall"')
      .option('--quiet', 'no progress display'),
  ).action(async (file: string, flags: Flags) => {
    const progress = createProgress({ stream: process.stderr, quiet: flags.quiet === true });
    process.exitCode = await loadOnce(file, flags, progress).finally(() => progress.close());
  });
