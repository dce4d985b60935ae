// Does the live page stay responsive at 100 rounds a second, and does it grow? A real run, paced, watched by a real Chromium:
// npm run bench live-page -- --minutes 10

import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { CDPSession, Page } from 'playwright-core';
import { Registry } from 'prom-client';
import { median } from '../../../src/base/median.js';
import { recordedDevices } from '../../../src/coordinator/round/recorder.js';
import { countsOf } from '../../../src/data/dataset.js';
import { loadDataset } from '../../../src/data/load.js';
import { createLivePage, type LivePage } from '../../../src/telemetry/live/live-page.js';
import { startServer } from '../../../src/telemetry/server/server.js';
import { chromiumPath, launchChromium } from '../../chromium.js';
import type { Bench, Cell } from '../report.js';
import { configOf, startTraining } from '../rounds/training.js';

/** Rounds of a few milliseconds. */
const CONFIG = {
  ...{ data: 'synthetic:users=1000,items=50,ratings=20000', cohort: '8', threads: '1', epochs: '100000' },
  ...{ 'metamf.userEmbedding': '4', 'metamf.collaborative': '4', 'metamf.hidden': '6', 'metamf.lowRank': '4' },
  ...{ 'metamf.itemEmbedding': '4', 'metamf.units': '2' },
};
const ROUNDS_A_SECOND = 100;
/** So many rounds at once, then a pause until the next are due. */
const STRIDE = 5;
/** The page's curves have all the points they will ever have after 700 rounds: growth until then is no leak. */
const WARM_UP_ROUNDS = 1500;
const LOOK_MILLIS = 5000;
/** An interaction that takes longer feels slow: the bound of a good INP (web.dev/articles/inp). */
const GOOD_INP_MILLIS = 200;

/** Counts what the browser itself says of its page: tasks of 50 ms and more, and frames it drew. */
const WATCH = `
  window.watched = { tasks: [], drawn: 0 };
  new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => watched.tasks.push(duration))).observe({ type: 'longtask' });
  const draw = () => { watched.drawn += 1; requestAnimationFrame(draw); };
  requestAnimationFrame(draw);`;
/** Chooses another layer of the map, and resolves with the milliseconds until that is on the screen. */
const CLICK = `new Promise((settle) => {
  const start = performance.now();
  document.querySelector('#map-layer input:not(:checked)').click();
  requestAnimationFrame(() => setTimeout(() => settle(performance.now() - start)));
})`;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Plays rounds at the wanted rate until it is stopped; resolves with how many. */
const pace = (play: (rounds: number) => Promise<unknown>) => {
  let going = true;
  let rounds = 0;
  const run = async (): Promise<void> => {
    for (let due = performance.now(); going; due += (1000 * STRIDE) / ROUNDS_A_SECOND) {
      await sleep(Math.max(0, due - performance.now()));
      await play(STRIDE);
      rounds += STRIDE;
    }
  };
  const over = run();
  return {
    rounds: () => rounds,
    stop: () => {
      going = false;
      return over;
    },
  };
};

/** At a moment, after a garbage collection on either side. MB are of 10⁶ bytes. */
const look = async (page: Page, session: CDPSession, live: LivePage, rounds: number) => {
  await session.send('HeapProfiler.collectGarbage');
  collectGarbage();
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  const { nodes } = await session.send('Memory.getDOMCounters');
  const { drawn, tasks } = await page.evaluate<{ drawn: number; tasks: number[] }>('watched');
  const heaps = { page: usedSize / 1e6, server: process.memoryUsage().heapUsed / 1e6 };
  return { at: performance.now() / 1000, rounds, frames: live.stream.stats().frames, drawn, tasks, nodes, ...heaps };
};
type Look = Awaited<ReturnType<typeof look>>;

const percentile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(q * values.length) - 1)] ?? 0;

const watch = async (minutes: number, note: (text: string) => void) => {
  const path = chromiumPath();
  if (path === undefined) throw new Error('no Chromium on PATH');
  const config = configOf(CONFIG);
  const dataset = await loadDataset(config.data, { split: 'auto', seed: config.seed });
  const live = createLivePage({
    run: { name: 'bench', algorithm: config.algorithm, data: config.data },
    recorded: (devices) => recordedDevices(config.seed, devices, 0.05),
    flights: async () => [],
  });
  const server = await startServer({ port: 0, registry: new Registry(), status: () => ({}), page: () => live });
  const training = await startTraining(config, dataset, live.observe);
  const { roundsPerEpoch, epochs, rounds, settings, stopOn } = training.plan;
  const measured = { metrics: settings.metrics, stopOn: stopOn.name };
  const counts = { devices: dataset.users, items: dataset.items, parameters: training.parameters, ratings: countsOf(dataset) };
  live.observe({ type: 'run-started', ...counts, ...measured, roundsPerEpoch, epochs, rounds, ends: null, round: 0, fleet: null });
  const browser = await launchChromium(path);
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.addInitScript(WATCH);
  const run = pace(training.rounds);
  try {
    await page.goto(server.url, { waitUntil: 'domcontentloaded' });
    const session = await page.context().newCDPSession(page);
    while (run.rounds() < WARM_UP_ROUNDS) await sleep(100);
    const looks: Look[] = [await look(page, session, live, run.rounds())];
    const clicks: number[] = [];
    const end = performance.now() + 60_000 * minutes;
    while (performance.now() < end) {
      await sleep(Math.min(LOOK_MILLIS, end - performance.now()));
      clicks.push(await page.evaluate<number>(CLICK));
      if (performance.now() > end || clicks.length % (60_000 / LOOK_MILLIS) === 0) {
        looks.push(await look(page, session, live, run.rounds()));
        note(`${looks.length - 1} of ${minutes} minutes: page ${looks.at(-1)!.page.toFixed(2)} MB`);
      }
    }
    return { looks, clicks };
  } finally {
    await run.stop();
    await browser.close();
    await Promise.all([training.close(), server.close()]);
  }
};

/** Rates and sums between two looks. */
const between = (first: Look, last: Look) => {
  const seconds = last.at - first.at;
  const tasks = last.tasks.slice(first.tasks.length);
  return {
    seconds,
    roundRate: (last.rounds - first.rounds) / seconds,
    frameRate: (last.frames - first.frames) / seconds,
    drawRate: (last.drawn - first.drawn) / seconds,
    tasks,
    taskShare: tasks.reduce((sum, task) => sum + task, 0) / 1000 / seconds,
  };
};

export const bench: Bench = {
  question: 'does the live page stay responsive at 100 rounds a second, without growing?',
  run: async ({ minutes, note }) => {
    const { looks, clicks } = await watch(minutes, note);
    const [first, last] = [looks[0]!, looks.at(-1)!];
    const all = between(first, last);
    const rows = looks.map((one, index): Cell[] => {
      const { roundRate, frameRate, drawRate, tasks } = between(looks[Math.max(0, index - 1)]!, one);
      const since = index === 0 ? ['-', '-', '-', '-'] : [roundRate, frameRate, drawRate, tasks.length];
      return [((one.at - first.at) / 60).toFixed(1), ...since, one.page, one.server, one.nodes];
    });
    const columns = ['minute', 'rounds/s', 'frames/s', 'drawn/s', 'long tasks', 'page heap, MB', 'server heap, MB', 'DOM nodes'];
    const longest = all.tasks.reduce((most, task) => Math.max(most, task), 0);
    return {
      tables: [
        { title: 'a page on a run of 1,000 devices, cohorts of 8', columns, rows },
        {
          title: 'its answers',
          columns: ['clicks', 'until shown, ms, median', '95 % within', 'slowest', 'long tasks, share of time', 'longest, ms'],
          rows: [
            [
              clicks.length,
              median(clicks),
              percentile(clicks, 0.95),
              percentile(clicks, 1),
              `${(100 * all.taskShare).toFixed(2)} %`,
              longest,
            ],
          ],
        },
      ],
      targets: [
        { claim: 'rounds a second', measured: all.roundRate, bound: 'at least', wanted: 0.98 * ROUNDS_A_SECOND },
        { claim: 'frames a second, all rounds in them', measured: all.frameRate, bound: 'at most', wanted: 10 },
        { claim: 'growth of the page’s heap, MB', measured: last.page - first.page, bound: 'at most', wanted: 1 },
        { claim: 'growth of the server’s heap, MB', measured: last.server - first.server, bound: 'at most', wanted: 2 },
        {
          claim: 'from a click to the screen, ms, 95 % of clicks',
          measured: percentile(clicks, 0.95),
          bound: 'at most',
          wanted: GOOD_INP_MILLIS,
        },
      ],
      notes: [
        'Heaps after a garbage collection. frames: sent by the server, each with all that happened since the one before; drawn: by the browser.',
        'Long tasks: 50 ms and more, as the browser counts them, those of measuring (garbage collection each minute) included.',
      ],
    };
  },
};
