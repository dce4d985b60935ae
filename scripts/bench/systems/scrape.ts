// What does it cost to be scraped, with a fleet of 1,000 devices and of 1,000,000? Real runs, scraped over HTTP while rounds go on.

import { processorTime } from '../../../src/base/clock.js';
import { median } from '../../../src/base/median.js';
import { loadDataset } from '../../../src/data/load.js';
import type { RoundFinished } from '../../../src/events/round.js';
import { createMetrics } from '../../../src/telemetry/prometheus/metrics.js';
import { startServer } from '../../../src/telemetry/server/server.js';
import type { Bench } from '../report.js';
import { configOf, roundMillis, startTraining } from '../rounds/training.js';

const SIZES = [1_000, 1_000_000];
const RATINGS = 50;
const ROUNDS = 5;
/** Often enough that some fall into every phase of a round. */
const PAUSE_MILLIS = 100;
const ALONE = 50;

const configFor = (devices: number) =>
  configOf({
    data: `synthetic:users=${devices},items=10000,ratings=${RATINGS * devices},activity=0`,
    cohort: '1000',
    threads: '2',
    epochs: '100000',
    'optimizer.lazy': '[U]',
  });

type Measured = {
  readonly devices: number;
  /** Wall time of each scrape, as Prometheus would see it. */
  readonly scrapes: readonly number[];
  /** CPU time of a scrape, both of its ends, while the fleet stands still. */
  readonly cpu: number;
  readonly round: number;
  readonly series: number;
  readonly bytes: number;
};

const measure = async (devices: number): Promise<Measured> => {
  const config = configFor(devices);
  const { algorithm, data, delivery, dtype, seed } = config;
  const run = { run: 'scraped', algorithm, data, delivery, dtype, seed: String(seed), version: 'benchmark' };
  const metrics = createMetrics({ run, pool: () => ({ queued: 0, utilization: 0, threads: 2 }) });
  const server = await startServer({ port: 0, registry: metrics.registry, status: () => ({}) });
  const training = await startTraining(config, await loadDataset(data, { split: 'auto', seed }), metrics.observe);
  const scrape = async (): Promise<string> => (await fetch(`${server.url}/metrics`)).text();
  // The first round lets buffers grow, the first scrapes compile.
  await training.rounds(1);
  for (let i = 0; i < 20; i++) await scrape();
  let ended: readonly RoundFinished[] | undefined;
  const rounds = training.rounds(ROUNDS).then((events) => {
    ended = events;
  });
  const scrapes: number[] = [];
  let text = '';
  while (ended === undefined) {
    const start = performance.now();
    text = await scrape();
    scrapes.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLIS));
  }
  await rounds;
  const before = processorTime();
  for (let i = 0; i < ALONE; i++) await scrape();
  const cpu = (processorTime() - before) / ALONE;
  await Promise.all([training.close(), server.close()]);
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
  return { devices, scrapes, cpu, round: roundMillis(ended), series, bytes: text.length };
};

export const bench: Bench = {
  question: 'what does it cost to be scraped?',
  run: async ({ repetitions, note }) => {
    const all: Measured[] = [];
    for (let repetition = 0; repetition < repetitions; repetition++) {
      for (const devices of SIZES) {
        note(`${devices} devices, ${repetition + 1} of ${repetitions}`);
        all.push(await measure(devices));
      }
    }
    const of = (devices: number): Measured[] => all.filter((one) => one.devices === devices);
    const scrapeMillis = (devices: number): number => median(of(devices).flatMap(({ scrapes }) => scrapes));
    const largest = of(SIZES.at(-1)!);
    const rows = SIZES.map((devices) => [
      devices,
      scrapeMillis(devices),
      Math.max(...of(devices).flatMap(({ scrapes }) => scrapes)),
      median(of(devices).map(({ cpu }) => cpu)),
      median(of(devices).map(({ round }) => round)),
      of(devices)[0]!.series,
      of(devices)[0]!.bytes / 1000,
    ]);
    const columns = ['devices', 'scrape, ms, median', 'slowest', 'CPU, ms', 'round, ms', 'series', 'kB'];
    const seriesOf = (devices: number): number => of(devices)[0]!.series;
    return {
      tables: [{ title: 'scrapes of /metrics while rounds of 1,000 devices go on, 2 threads', columns, rows }],
      targets: [
        { claim: 'scrape at 1,000,000 devices, ms', measured: scrapeMillis(SIZES.at(-1)!), bound: 'at most', wanted: 50 },
        {
          claim: 'of a round at 1,000,000 devices',
          measured: scrapeMillis(SIZES.at(-1)!) / median(largest.map(({ round }) => round)),
          bound: 'at most',
          wanted: 0.02,
        },
        {
          claim: 'series at 1,000,000 devices beyond those at 1,000',
          measured: seriesOf(1_000_000) - seriesOf(1_000),
          bound: 'at most',
          wanted: 0,
        },
      ],
    };
  },
};
