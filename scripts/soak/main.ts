// npm run soak [-- --minutes 60 --config more.yaml]: a run at steady load with all that watches it; does the process grow?
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { processorTime } from '../../src/base/clock.js';
import { loadDataset } from '../../src/data/load.js';
import type { RunEvent } from '../../src/events/run-event.js';
import { type Chart, renderChart } from '../../src/report/charts/chart.js';
import { resolveConfig, yamlSource } from '../../src/runs/config/parse-config.js';
import { openResults } from '../../src/runs/folder/results-folder.js';
import { startRun } from '../../src/runs/trainer/run.js';
import { createMetrics } from '../../src/telemetry/prometheus/metrics.js';
import { startServer } from '../../src/telemetry/server/server.js';
import { judge, type Sample, type Verdict } from './verdict.js';

/**
 * Devices come and go: cohorts are drawn anew each round, and the memory for their models holds a tenth of the fleet. So every
 * round activates some and evicts others. A checkpoint each minute, a host that dies every five. Half of the hosts stand still for a while
 * in each round. So the load is the same whatever else the machine has to do: some 13 rounds a second, a fifth of a core.
 */
const STEADY = `
data: synthetic:users=2000,items=500,ratings=60000
threads: 2
epochs: 1000000000
patience: 0
cohort: 64
sampling: uniform
delivery: subset
decoys: 4
modelMemory: 0.3
metamf: { userEmbedding: 8, collaborative: 16, hidden: 32, lowRank: 4, itemEmbedding: 8, units: 4 }
evaluation: { every: 20 }
perturbations: { slowHosts: 0.5, slowMillis: 60 }
checkpoint: { every: 1 }
`;
const HOST_DIES_MINUTES = 5;
const SCRAPE_MILLIS = 5000;
const PROGRESS_MILLIS = 60_000;

const listenersOf = (emitter: NodeJS.EventEmitter): number =>
  emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);

/** Open files of this process; 0 where the system does not tell. */
const openFiles = (): number => {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
};

/** Resident memory that no file backs, so that the system cannot take it back; 0 where it does not tell. */
const anonymousBytes = (): number => {
  try {
    return 1024 * Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
};

const chartOf = (samples: readonly Sample[], warmUp: number, { rssShare }: Verdict): Chart => ({
  title: `Memory of a run at steady load (${(100 * rssShare).toFixed(2)} % in 10 minutes)`,
  description: `Resident memory and JavaScript heap of one process over ${Math.round(samples.at(-1)!.minutes)} minutes; judged from minute ${warmUp} on`,
  x: { name: 'minutes' },
  y: { name: 'MB', min: 0 },
  series: [
    { kind: 'line', name: 'resident', points: samples.map(({ minutes, rssBytes }) => [minutes, rssBytes / 1e6]) },
    {
      kind: 'line',
      name: 'of it, backed by no file',
      points: samples.map(({ minutes, anonymousBytes }) => [minutes, anonymousBytes / 1e6]),
    },
    { kind: 'line', name: "the main thread's heap", points: samples.map(({ minutes, heapBytes }) => [minutes, heapBytes / 1e6]) },
  ],
});

const soak = async (minutes: number, extra: string | undefined, folder: string): Promise<readonly Sample[]> => {
  const config = resolveConfig(
    ...[STEADY, ...(extra === undefined ? [] : [readFileSync(extra, 'utf8')])].map((text, index) =>
      yamlSource(text, index === 0 ? 'soak' : extra!),
    ),
  );
  const dataset = await loadDataset(config.data, { split: 'auto', seed: config.seed });
  const results = await openResults(folder, 'soak', { warn: (text) => console.error(text) });
  const metrics = createMetrics();
  const server = await startServer({ port: 0, registry: metrics.registry, status: () => ({}) });
  let round = 0;
  const observe = (event: RunEvent): void => {
    metrics.observe(event);
    results.observe(event);
    if (event.type === 'round') round = event.round;
  };
  const run = await startRun({ config, dataset, onEvent: observe, checkpoints: results.paths.checkpoints });
  const start = performance.now();
  const elapsed = (): number => (performance.now() - start) / 60_000;
  const samples: Sample[] = [];
  const scrape = async (): Promise<void> => {
    await (await fetch(`${server.url}/metrics`)).text();
    const { rss, heapUsed } = process.memoryUsage();
    const handles = process.getActiveResourcesInfo().length;
    samples.push({
      minutes: elapsed(),
      rssBytes: rss,
      anonymousBytes: anonymousBytes(),
      heapBytes: heapUsed,
      files: openFiles(),
      handles,
      listeners: listenersOf(process),
      round,
    });
  };
  const tell = (): void => {
    const left = minutes - elapsed();
    const end = new Date(Date.now() + left * 60_000).toTimeString().slice(0, 5);
    const size = ((samples.at(-1)?.rssBytes ?? 0) / 1e6).toFixed(0);
    console.log(`minute ${elapsed().toFixed(0)} of ${minutes}: round ${round}, ${size} MB; ends in ${left.toFixed(0)} minutes, at ${end}`);
  };
  const timers = [
    setInterval(() => void scrape().catch(() => {}), SCRAPE_MILLIS),
    setInterval(tell, PROGRESS_MILLIS),
    setInterval(() => run.killThread(0), HOST_DIES_MINUTES * 60_000),
    setTimeout(() => run.interrupt(), minutes * 60_000),
  ];
  try {
    await run.finished;
  } finally {
    for (const timer of timers) clearInterval(timer);
    await server.close();
    await results.close();
    await run.close();
  }
  return samples;
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: { minutes: { type: 'string', default: '60' }, config: { type: 'string' }, out: { type: 'string', default: 'results/soak' } },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new Error(`--minutes: expected a number above 0, found ${values.minutes}`);
  // The heap finds its size in the first minutes.
  const warmUp = Math.min(10, minutes / 3);
  const folder = mkdtempSync(join(tmpdir(), 'metafleet-soak-'));
  try {
    const samples = await soak(minutes, values.config, folder);
    const verdict = judge(samples, warmUp);
    mkdirSync(values.out, { recursive: true });
    writeFileSync(join(values.out, 'soak.json'), `${JSON.stringify({ minutes, warmUp, verdict, samples })}\n`);
    writeFileSync(join(values.out, 'soak.svg'), renderChart(chartOf(samples, warmUp, verdict), { standalone: true }));
    const { rssShare, files, handles, listeners, passed } = verdict;
    const load = (100 * processorTime()) / (60_000 * minutes);
    console.log(`${samples.at(-1)!.round} rounds in ${minutes} minutes, at ${load.toFixed(0)} % of a core`);
    console.log(`after ${warmUp.toFixed(1)} minutes: resident memory ${(100 * rssShare).toFixed(2)} % in 10 minutes`);
    console.log(
      `files ${files}, handles ${handles}, listeners ${listeners} more at the end than at the start; ${join(values.out, 'soak.svg')}`,
    );
    if (!passed) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
