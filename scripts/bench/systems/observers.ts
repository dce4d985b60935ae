// What do events, metrics and progress cost a run? The same rounds with and without them, and what their thread was busy with.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Writable } from 'node:stream';
import { median } from '../../../src/base/median.js';
import { createProgress } from '../../../src/cli/progress/progress.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { countsOf } from '../../../src/data/dataset.js';
import type { RoundFinished } from '../../../src/events/round.js';
import type { RunEvent } from '../../../src/events/run-event.js';
import type { Config } from '../../../src/runs/config/config.js';
import { stopMetricOf } from '../../../src/runs/config/measured.js';
import { createSummary } from '../../../src/runs/folder/accounts.js';
import { describeEnvironment } from '../../../src/runs/folder/environment.js';
import { openResults } from '../../../src/runs/folder/results-folder.js';
import { createMetrics } from '../../../src/telemetry/prometheus/metrics.js';
import { startServer } from '../../../src/telemetry/server/server.js';
import { alternate, medianOf, medianRatio } from '../measure.js';
import type { Bench, Cell, Target } from '../report.js';
import { configOf, loadMl1mShapes, startTraining } from '../rounds/training.js';

/** Turns of a second or so: events are fetched and the display is drawn ten times in each. */
const TURN_ROUNDS = { small: 80, default: 25 } as const;
const WARMUPS = { small: 600, default: 100 } as const;
/** Prometheus scrapes each 15 s by default. */
const SCRAPE_MILLIS = 5000;
type Regime = keyof typeof TURN_ROUNDS;

const configs = (): Record<Regime, Config> => ({ small: configOf({ threads: '2' }, 'paper'), default: configOf({ threads: '2' }) });

/** A terminal that nobody looks at: the live display is drawn in full. */
const terminal = () =>
  Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), {
    isTTY: true,
    columns: 120,
  });

/** All that observes an ordinary run (`metafleet run`), without the run. */
const createObservers = async (config: Config, dataset: Dataset) => {
  const folder = mkdtempSync(join(tmpdir(), 'metafleet-bench-'));
  const results = await openResults(folder, 'observed');
  const { name, users, items } = dataset;
  const ratings = countsOf(dataset);
  const environment = describeEnvironment({ metafleet: 'benchmark', kernels: 'simd' });
  const measured = { metrics: config.evaluation.metrics, stopOn: stopMetricOf(config) };
  const facts = { run: 'observed', algorithm: config.algorithm, config, seed: config.seed, environment, ...measured, baselines: {} };
  const summary = createSummary({ ...facts, dataset: { name, users, items, ratings } });
  const progress = createProgress({ stream: terminal() });
  const metrics = createMetrics();
  const { registry } = metrics;
  const server = await startServer({ host: '127.0.0.1', port: 0, registry, status: () => summary.summary() });
  const observers = [summary.observe, results.observe, progress.observe, metrics.observe];
  return {
    observe: (event: RunEvent): void => {
      for (const observe of observers) observe(event);
    },
    scrape: async () => void (await (await fetch(`${server.url}/metrics`)).text()),
    close: async () => {
      progress.close();
      await Promise.all([server.close(), results.close()]);
      rmSync(folder, { recursive: true });
    },
  };
};

const measure = async (regime: Regime, dataset: Dataset, repetitions: number) => {
  const config = configs()[regime];
  const observers = await createObservers(config, dataset);
  const plain = await startTraining(config, dataset);
  const observed = await startTraining(config, dataset, observers.observe);
  const { roundsPerEpoch, epochs, rounds, settings, stopOn } = observed.plan;
  const measured = { metrics: settings.metrics, stopOn: stopOn.name };
  const counts = { devices: dataset.users, items: dataset.items, parameters: observed.parameters, ratings: countsOf(dataset) };
  observers.observe({ type: 'run-started', ...counts, ...measured, roundsPerEpoch, epochs, rounds, ends: null, round: 0, fleet: null });
  const busy: number[] = [];
  let event: RoundFinished | undefined;
  const turn = async (): Promise<void> => {
    const share = watchMainThread();
    const seen = await observed.rounds(TURN_ROUNDS[regime]);
    busy.push(share());
    event = seen.at(-1);
  };
  await observed.rounds(WARMUPS[regime]);
  await plain.rounds(WARMUPS[regime]);
  const contenders = { plain: () => plain.rounds(TURN_ROUNDS[regime]), observed: turn, scrape: observers.scrape };
  const timings = await alternate(contenders, { repetitions });
  await Promise.all([plain.close(), observed.close(), observers.close()]);
  const round = median(timings.plain.millis) / TURN_ROUNDS[regime];
  return { timings, round, shares: [median(busy.slice(1)), emitMillis(event!) / round, median(timings.scrape.cpu) / SCRAPE_MILLIS] };
};

/**
 * The share of the time until it is called in which this thread computed. Where the system does not say, the share in which its loop was not idle.
 */
const watchMainThread = (): (() => number) => {
  const loop = performance.eventLoopUtilization();
  const [start, before] = [performance.now(), computedMillis()];
  return () => {
    if (before === undefined) return performance.eventLoopUtilization(loop).utilization;
    return (computedMillis()! - before) / (performance.now() - start);
  };
};

/** Linux: nanoseconds on a processor, of the process' first thread. */
const computedMillis = (): number | undefined => {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return undefined;
  }
};

/** What it takes to hand an event to another thread, and to take it there. */
const emitMillis = (event: RoundFinished): number => Number(medianOf(EMITS, () => void structuredClone(event))());
const EMITS = 500;

export const bench: Bench = {
  question: 'what do events, metrics and progress cost a run?',
  run: async ({ repetitions, note }) => {
    const dataset = await loadMl1mShapes();
    const rows: Cell[][] = [];
    const targets: Target[] = [];
    for (const regime of ['small', 'default'] as const) {
      note(`${regime} rounds`);
      const { timings, round, shares } = await measure(regime, dataset, repetitions);
      const { plain, observed } = timings;
      const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
      const more = [medianRatio(observed.millis, plain.millis) - 1, medianRatio(observed.cpu, plain.cpu) - 1];
      rows.push([regime, round, ...shares.map(percent), ...more.map(percent)]);
      targets.push({
        claim: `${regime} rounds: share of the run`,
        measured: shares.reduce((sum, share) => sum + share, 0),
        bound: 'at most',
        wanted: 0.02,
      });
    }
    const columns = [
      'rounds',
      'ms per round',
      'main thread busy',
      'handing events over',
      'a scrape each 5 s',
      'more time on the wall',
      'more CPU time',
    ];
    return {
      tables: [{ title: 'all observers of `metafleet run`, live display', columns, rows }],
      targets,
      notes: [
        'small: 64 devices with 1 rating (the paper preset); default: the default configuration on the same data.',
        'The main thread does nothing but observe while a run trains: its busy share is the cost, measured; the differences of time are the check, and noisier.',
      ],
    };
  },
};
