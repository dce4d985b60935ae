// How many times faster than the tools a researcher would otherwise use? The same work, in turn, in one run.

import { median } from '../../../src/base/median.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { alternate, medianOf, medianRatio } from '../measure.js';
import type { Bench, Cell, Report, Target } from '../report.js';
import { createAdamPass, fullConfig, smallConfig, TURN_ROUNDS, WARMUPS } from '../rounds/round.js';
import {
  configOf,
  devicesPerSecond,
  loadMl1mShapes,
  ml1mPlace,
  ratingsPerSecond,
  startTraining,
  type Training,
} from '../rounds/training.js';
import { howToInstall, isInstalled, type PeerName, type PeerResult, runPeer } from './peer-program.js';

const THREADS = 2;
const ADAM_PASSES = 10;
/** Rounds of a peer in one turn: enough for a median, few enough that turns alternate. */
const PEER_FLAGS: Readonly<Record<PeerName, Readonly<Record<string, number>>>> = {
  metamf: { steps: 7, warmup: 2 },
  pfl: { rounds: 10, warmup: 2 },
  flower: { rounds: 3, warmup: 1 },
};

/** Figures of one repetition after the other; `higher is better` but for milliseconds. */
type Series = number[];
const numberOf = (result: PeerResult, key: string): number => Number(result[key]);

const metamfRace = async (dataset: Dataset, repetitions: number): Promise<Report> => {
  const full = await startTraining(fullConfig(), dataset);
  const small = await startTraining(smallConfig(), dataset);
  const adam = await createAdamPass(small, THREADS);
  const pass = medianOf(ADAM_PASSES, adam.step) as () => number;
  const torch = { ratings: [] as Series, adam: [] as Series };
  const own = { full: [] as Series, small: [] as Series, adam: [] as Series };
  const turns = {
    peer: async () => {
      // On processors that are shared its threads can wait for each other longer than one takes for all: the better counts.
      const one = await runPeer('metamf', { ...PEER_FLAGS.metamf, threads: 1 });
      const two = await runPeer('metamf', { ...PEER_FLAGS.metamf, threads: THREADS });
      torch.ratings.push(Math.max(numberOf(one, 'ratings_per_second'), numberOf(two, 'ratings_per_second')));
      torch.adam.push(Math.min(numberOf(one, 'adam_ms'), numberOf(two, 'adam_ms')));
    },
    full: async () => void own.full.push(ratingsPerSecond(await full.rounds(TURN_ROUNDS.full))),
    small: async () => void own.small.push(ratingsPerSecond(await small.rounds(TURN_ROUNDS.small))),
    adam: () => void own.adam.push(pass()),
  };
  // Its own warm-up is in each turn of a peer; metafleet's fleets stand between turns, and get theirs here.
  await full.rounds(WARMUPS.full);
  await small.rounds(WARMUPS.small);
  pass();
  await alternate(turns, { repetitions, warmups: 0 });
  await Promise.all([full.close(), small.close(), adam.close()]);
  const row = (task: string, unit: string, peer: Series, mine: Series, times: number): Cell[] => {
    return [task, 'PyTorch', unit, median(peer), median(mine), times];
  };
  const ratios = [medianRatio(own.full, torch.ratings), medianRatio(own.small, torch.ratings), medianRatio(torch.adam, own.adam)] as const;
  return {
    tables: [
      {
        title: '',
        columns: [],
        rows: [
          row('MetaMF, all ratings, full delivery', 'ratings/s', torch.ratings, own.full, ratios[0]),
          row('MetaMF, 64 × 1 rating, subset delivery', 'ratings/s', torch.ratings, own.small, ratios[1]),
          row("Adam's pass alone", 'ms', torch.adam, own.adam, ratios[2]),
        ],
      },
    ],
    targets: [
      { claim: 'ratings/s of all-ratings rounds against PyTorch', measured: ratios[0], bound: 'at least', wanted: 300 },
      { claim: 'ratings/s of 64 × 1 rounds against PyTorch', measured: ratios[1], bound: 'at least', wanted: 12 },
      { claim: "Adam against PyTorch's", measured: ratios[2], bound: 'at least', wanted: 8 },
    ],
  };
};

const FEDAVG_WANTED = { pfl: 5, flower: 100 } as const;

/**
 * `full`: every device is sent the whole shared model, as in both peers. `subset`: the rows of its ratings, which trains the same numbers.
 */
const DELIVERIES = ['full', 'subset'] as const;
type Trainings = Readonly<Record<(typeof DELIVERIES)[number], Training>>;

const fedavgRace = async (peer: 'pfl' | 'flower', trainings: Trainings, repetitions: number): Promise<Report> => {
  const figures = { peer: [] as Series, full: [] as Series, subset: [] as Series };
  const own = (delivery: keyof Trainings) => async (): Promise<void> => {
    figures[delivery].push(devicesPerSecond(await trainings[delivery].rounds(TURN_ROUNDS.fedavg)));
  };
  const turns = {
    peer: async () => void figures.peer.push(numberOf(await runPeer(peer, PEER_FLAGS[peer]), 'client_updates_per_second')),
    full: own('full'),
    subset: own('subset'),
  };
  await alternate(turns, { repetitions, warmups: 0 });
  const results = DELIVERIES.map((delivery) => {
    const measured = medianRatio(figures[delivery], figures.peer);
    const task = `FedAvg, cohort 100 of 6,040, ${delivery} delivery`;
    const target: Target = { claim: `${task}, against ${peer}`, measured, bound: 'at least', wanted: FEDAVG_WANTED[peer] };
    return { target, row: [task, peer, 'client updates/s', median(figures.peer), median(figures[delivery]), measured] };
  });
  return { tables: [{ title: '', columns: [], rows: results.map(({ row }) => row) }], targets: results.map(({ target }) => target) };
};

const fedavgConfig = (delivery: keyof Trainings) =>
  configOf({ algorithm: 'fedavg', threads: String(THREADS), cohort: '100', sampling: 'uniform', ratings: 'all', delivery });

const fedavgRaces = async (dataset: Dataset, repetitions: number, note: (text: string) => void): Promise<Report[]> => {
  const peers = (['pfl', 'flower'] as const).filter(isInstalled);
  if (peers.length === 0) return [];
  const start = (delivery: keyof Trainings) => startTraining(fedavgConfig(delivery), dataset);
  const trainings: Trainings = { full: await start('full'), subset: await start('subset') };
  for (const delivery of DELIVERIES) await trainings[delivery].rounds(WARMUPS.fedavg);
  const reports: Report[] = [];
  for (const peer of peers) {
    note(peer);
    reports.push(await fedavgRace(peer, trainings, repetitions));
  }
  await Promise.all(DELIVERIES.map((delivery) => trainings[delivery].close()));
  return reports;
};

export const bench: Bench = {
  question: 'how many times faster than PyTorch, pfl-research and Flower at the same work?',
  run: async ({ repetitions, note }) => {
    const dataset = await loadMl1mShapes();
    note('metamf');
    const metamf = isInstalled('metamf') ? [await metamfRace(dataset, repetitions)] : [];
    const reports = [...metamf, ...(await fedavgRaces(dataset, repetitions, note))];
    const missing = (['metamf', 'pfl', 'flower'] as const).filter((peer) => !isInstalled(peer)).map(howToInstall);
    const rows = reports.flatMap(({ tables }) => tables.flatMap((table) => table.rows));
    const columns = ['task', 'peer', 'unit', 'peer', 'metafleet', 'times faster'];
    return {
      tables: [
        {
          title: `in turn, ${THREADS} threads (PyTorch: the better of 1 and 2), data: ${ml1mPlace() ?? 'synthetic, of MovieLens-1M sizes'}`,
          columns,
          rows,
        },
      ],
      targets: reports.flatMap(({ targets = [] }) => targets),
      notes: missing,
    };
  },
};
