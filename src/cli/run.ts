import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { Registry } from 'prom-client';
import { ALGORITHM } from '../algorithms/registry.js';
import { badInput, MetafleetError, messageOf } from '../base/errors.js';
import { deviceId } from '../base/units.js';
import { recordedDevices } from '../coordinator/round/recorder.js';
import { countsOf, type Dataset } from '../data/dataset.js';
import { cutByUsers } from '../data/user-ranges.js';
import { renderTable } from '../report/table.js';
import { type Config, PRESETS } from '../runs/config/config.js';
import { chosenNames } from '../runs/config/definitions.js';
import { installModulesOf } from '../runs/config/install-modules.js';
import { loadConfigured } from '../runs/config/load-data.js';
import {
  type ConfigSource,
  configKeys,
  configValue,
  flagSource,
  presetSource,
  printConfig,
  refuseIdleSettings,
  resolveConfig,
  yamlSource,
} from '../runs/config/parse-config.js';
import { settled, trainedUsers } from '../runs/config/settle.js';
import { describeEnvironment } from '../runs/folder/environment.js';
import { openResults, type Results } from '../runs/folder/results-folder.js';
import { trainInto, type Watched } from '../runs/folder/run-folder.js';
import type { Baselines } from '../runs/folder/summary.js';
import { measureBaselines } from '../runs/trainer/baselines.js';
import type { Observe } from '../runs/trainer/observe.js';
import { hostsOf } from '../runs/trainer/plan.js';
import { planTraining } from '../runs/trainer/plan-training.js';
import type { Outcome } from '../runs/trainer/run.js';
import { createLivePage, type LivePage } from '../telemetry/live/live-page.js';
import { createMetrics } from '../telemetry/prometheus/metrics.js';
import { isLoopback } from '../telemetry/server/listen.js';
import { startServer } from '../telemetry/server/server.js';
import { readToken } from '../telemetry/server/token.js';
import { chooseImplementation } from '../tensor/kernels/probe.js';
import { addConfigFlags, configFlagsIn } from './config-flags.js';
import { addJson, answer, type JsonFlag } from './json-output.js';
import { createProgress, type ProgressDisplay } from './progress/progress.js';
import { onInterrupt } from './signals/interrupt.js';
import { INTERRUPTED } from './signals/signals.js';
import { VERSION } from './version.js';

/** Flags that are not keys of the configuration. */
type OwnFlags = JsonFlag & { config?: string; preset: string; resume?: string; name?: string; quiet?: boolean; printConfig?: boolean };

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw badInput('CONFIG', path, 'a readable configuration file', messageOf(error));
  }
};

/** Keys that a resumed run may be given other values of: they say how far and where it runs, not what is trained. */
const CHANGEABLE = [
  'threads',
  'epochs',
  'rounds',
  'patience',
  'modelMemory',
  'hostHeap',
  'moduleTimeout',
  'baselines',
  'checkpoint',
  'recorder',
  'metrics',
  'results',
];

/** What a schedule that lasts as long as the run hangs on. */
const LENGTHS = ['epochs', 'rounds'];

const isChangeable = (key: string): boolean => CHANGEABLE.some((name) => key === name || key.startsWith(`${name}.`));

/** What is trained stays what it was: a run of two configurations would be neither. */
const checkResumed = (saved: Config, config: Config): void => {
  for (const { key } of configKeys()) {
    const [before, now] = [saved, config].map((each) => JSON.stringify(configValue(each, key)));
    const sameLength = saved.optimizer.schedule === 'cosine' && saved.optimizer.annealEpochs === 0 && LENGTHS.includes(key);
    if (before !== now && (sameLength || !isChangeable(key)))
      throw badInput('CONFIG', `key ${key} of the resumed run`, String(before), String(now));
  }
};

const configOf = async (own: OwnFlags, flags: Readonly<Record<string, string>>): Promise<Config> => {
  const file = own.config === undefined ? [] : [yamlSource(readText(own.config), own.config)];
  await installModulesOf(...file);
  const changes = [...file, flagSource(flags)];
  const config = await resolved(own, changes);
  refuseIdleSettings([config], changes);
  return config;
};

const resolved = async (own: OwnFlags, changes: readonly ConfigSource[]): Promise<Config> => {
  if (own.resume === undefined) return resolveConfig(presetSource(own.preset), ...changes);
  const file = resolve(own.resume, 'config.yaml');
  const saved = yamlSource(readText(file), file);
  await installModulesOf(saved);
  const config = resolveConfig(saved, ...changes);
  checkResumed(resolveConfig(saved), config);
  return config;
};

/** Central models over more ratings than this would take longer than many a run. */
const MOST_BASELINE_RATINGS = 5_000_000;

const baselinesOf = async (config: Config, dataset: Dataset, progress: ProgressDisplay): Promise<Baselines> => {
  if (!config.baselines) return {};
  if (trainedUsers(dataset) < dataset.users || dataset.feedback === 'implicit') {
    progress.note(`no baselines: they predict ratings of users that they were fitted to`);
    return {};
  }
  const { train } = countsOf(dataset);
  if (train > MOST_BASELINE_RATINGS) {
    progress.note(`no baselines: ${train} training ratings are more than ${MOST_BASELINE_RATINGS}`);
    return {};
  }
  progress.stage('fitting the baselines');
  return measureBaselines(config, dataset);
};

const openFolder = (config: Config, own: OwnFlags, progress: ProgressDisplay): Promise<Results> => {
  const warn = (text: string): void => progress.note(text);
  const flightBytes = config.recorder.size * 1e6;
  if (own.resume !== undefined) {
    const folder = resolve(own.resume);
    return openResults(dirname(folder), basename(folder), { resume: true, warn, flightBytes });
  }
  return openResults(config.results, own.name ?? { data: config.data, algorithm: chosenNames(ALGORITHM, config), date: new Date() }, {
    warn,
    flightBytes,
  });
};

/** The live page shows so many rounds of a device. */
const MOST_FLIGHTS = 50;

const serveMetrics = async (config: Config, watched: Watched, progress: ProgressDisplay) => {
  if (!config.metrics.enabled) return undefined;
  const registry = new Registry();
  const { host, port, tokenFile } = config.metrics;
  const token = readToken(tokenFile);
  const status = (): object => watched.summary?.summary() ?? {};
  let page: LivePage | undefined;
  const server = await startServer({ host, port, token, registry, status, page: () => page });
  progress.note(`the run's page is at ${server.url}/${token === undefined ? '' : '?token=…'}, its metrics at ${server.url}/metrics`);
  if (token === undefined && !isLoopback(host))
    progress.note(`anyone who reaches ${host} can read them: metrics.tokenFile asks for a token`);
  const pool = () => watched.run?.sample() ?? { queued: 0, utilization: 0, threads: 0 };
  return {
    /** They begin when the run has its name, so that no series is without it. */
    begin: ({ run, flights }: Results): readonly Observe[] => {
      const { data, delivery, dtype, seed, recorder } = config;
      const algorithm = chosenNames(ALGORITHM, config);
      const metrics = createMetrics({
        registry,
        pool,
        run: { run, algorithm, data, delivery, dtype, seed: String(seed), version: VERSION },
      });
      page = createLivePage({
        run: { name: run, algorithm, data },
        recorded: (devices) => recordedDevices(seed, devices, recorder.share),
        flights: (device) => flights.read(deviceId(device), MOST_FLIGHTS),
      });
      return [metrics.observe, page.observe];
    },
    fail: (error: unknown): void => page?.fail(messageOf(error)),
    close: () => server.close(),
  };
};

/** One run, from its configuration to its table. What can be refused is refused before a folder is made for it. */
const runOnce = async (asked: Config, own: OwnFlags, progress: ProgressDisplay): Promise<Outcome> => {
  const watched: Watched = {};
  const releaseSignals = onInterrupt(progress, () => watched);
  const resumed = own.resume === undefined ? undefined : await openFolder(asked, own, progress);
  progress.stage(`reading ${asked.data}`);
  const dataset = await loadConfigured(asked, (note) => progress.note(note));
  const config = settled(asked, dataset);
  planTraining(config, dataset);
  const metrics = await serveMetrics(config, watched, progress);
  try {
    const hosts = hostsOf(config);
    if (hosts !== undefined) cutByUsers(dataset, hosts);
    const baselines = await baselinesOf(config, dataset, progress);
    watched.state = 'begun';
    const results = resumed ?? (await openFolder(config, own, progress));
    const environment = describeEnvironment({ metafleet: VERSION, kernels: chooseImplementation() });
    const observers = [progress.observe, ...(metrics?.begin(results) ?? [])];
    const { stage, note } = progress;
    const parts = { config, dataset, baselines, environment, results, resume: own.resume !== undefined, observers, stage, note };
    return await trainInto(parts, watched).finally(() => {
      progress.close();
      if (watched.run !== undefined && watched.summary !== undefined) {
        const summary = watched.summary.summary();
        const { folder } = results.paths;
        answer(own, { document: () => ({ folder, ...summary }), text: () => `${renderTable(summary, { folder })}\n` });
      }
    });
  } catch (error) {
    metrics?.fail(error);
    throw error;
  } finally {
    await metrics?.close();
    releaseSignals();
  }
};

const notSaved = (paths: readonly string[]): string =>
  `${paths.join(' and ')}: not written to the end; the results stand, but the run cannot be taken up from where it ended`;

/** `metafleet run`: every key of the configuration is a flag, under its dotted name. */
export const runCommand = (): Command => {
  const command = new Command('run')
    .option('--config <file>', 'YAML file of configuration keys; flags override it')
    .addOption(new Option('--preset <name>', 'starting point').choices(Object.keys(PRESETS)).default('default'))
    .option('--resume <folder>', 'continue the run in results/<run> from its last checkpoint')
    .option('--name <run>', 'name of the run folder (default: made from data, algorithm and time)')
    .option('--quiet', 'no progress display')
    .option('--print-config', 'print the configuration, documented, and end');
  return addConfigFlags(addJson(command)).action(async (options: OwnFlags & Record<string, unknown>) => {
    const config = await configOf(options, configFlagsIn(options));
    if (options.printConfig === true) {
      answer(options, { document: () => config, text: () => printConfig(config, true) });
      return;
    }
    const progress = createProgress({ stream: process.stderr, quiet: options.quiet === true });
    const { reason, unsaved } = await runOnce(config, options, progress).finally(() => progress.close());
    if (unsaved.length > 0) throw new MetafleetError('CHECKPOINT', notSaved(unsaved));
    if (reason === 'interrupted') process.exitCode = INTERRUPTED;
  });
};
