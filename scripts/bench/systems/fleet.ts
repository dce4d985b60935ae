// What does a device cost that has nothing to do? Fleets of 1,000 to 1,000,000 devices, cohort 1,000.

import { median } from '../../../src/base/median.js';
import { type ChildReport, runInChild } from '../child-run.js';
import { medianRatio } from '../measure.js';
import type { Bench, Cell, Target } from '../report.js';
import type { Flags } from '../rounds/training.js';

const SIZES = [1_000, 10_000, 100_000, 1_000_000];
const LARGEST = SIZES.at(-1)!;
const COMPARED = 10_000;
const RATINGS = 50;
/** Of each process, the first round aside: in it, buffers grow to their sizes. */
const ROUNDS = 7;

const flagsOf = (devices: number): Flags => ({
  data: `synthetic:users=${devices},items=10000,ratings=${RATINGS * devices},activity=0`,
  cohort: '1000',
  delivery: 'subset',
  threads: '2',
  epochs: '100000',
  'evaluation.every': '100000',
  'optimizer.lazy': '[U]',
});

const roundOf = ({ rounds }: ChildReport): number => median(rounds.slice(1).map(({ millis }) => millis));

/** Of an idle device: an item id and a value for each rating, and its row of U, 32 numbers. */
const RATING_BYTES = RATINGS * 8;
const ROW_BYTES = 32 * 4;
/** Adam's two moments for the row. */
const MOMENT_BYTES = 2 * ROW_BYTES;

/** Resident bytes, after a collection, by which the largest fleet exceeds the compared one, per device more. */
const bytesPerDevice = (reports: ReadonlyMap<number, readonly ChildReport[]>): number => {
  const resident = (size: number) => median(reports.get(size)!.map(({ collectedBytes }) => collectedBytes));
  return (resident(LARGEST) - resident(COMPARED)) / (LARGEST - COMPARED);
};

const rowOf = (size: number, reports: readonly ChildReport[]): Cell[] => {
  const of = (figure: (report: ChildReport) => number): number => median(reports.map(figure));
  return [
    size,
    of(({ firstRoundMillis }) => firstRoundMillis) / 1000,
    of(roundOf) / 1000,
    of(({ rounds }) => median(rounds.slice(1).map(({ phases }) => phases.step))) / 1000,
    of(({ residentBytes }) => residentBytes) / 1e9,
    of(({ collectedBytes }) => collectedBytes) / 1e9,
    of(({ peakBytes }) => peakBytes) / 1e9,
  ];
};

export const bench: Bench = {
  question: 'what does a device cost that has nothing to do?',
  run: async ({ repetitions, note }) => {
    const reports = new Map<number, ChildReport[]>(SIZES.map((size) => [size, []]));
    for (let repetition = 0; repetition < repetitions; repetition++) {
      for (const size of SIZES) {
        note(`${size} devices, ${repetition + 1} of ${repetitions}`);
        reports.get(size)!.push(await runInChild({ flags: flagsOf(size), rounds: ROUNDS + 1 }));
      }
    }
    const of = (size: number, figure: (report: ChildReport) => number): number[] => reports.get(size)!.map(figure);
    const each = bytesPerDevice(reports);
    const beyond = each - RATING_BYTES - ROW_BYTES;
    const columns = ['devices', 'start to first round, s', 's per round', 'of it the step, s', 'resident, GB', 'collected, GB', 'peak, GB'];
    const target = (claim: string, measured: number, wanted: number): Target => ({ claim, measured, bound: 'at most', wanted });
    return {
      tables: [
        {
          title: `${RATINGS} ratings each, 10,000 items, cohort 1,000, subset delivery, row-lazy U, 2 threads`,
          columns,
          rows: SIZES.map((size) => rowOf(size, reports.get(size)!)),
        },
      ],
      targets: [
        target('1,000,000 devices: seconds to the first round', median(of(LARGEST, ({ firstRoundMillis }) => firstRoundMillis)) / 1000, 60),
        target('1,000,000 devices: peak GB resident', median(of(LARGEST, ({ peakBytes }) => peakBytes)) / 1e9, 8),
        target('bytes of an idle device beyond ratings and embedding row', beyond, 200),
        target('round of 1,000,000 against 10,000 devices', medianRatio(of(LARGEST, roundOf), of(COMPARED, roundOf)), 1.3),
      ],
      notes: [
        `an idle device takes ${each.toFixed(0)} bytes: ${RATING_BYTES} of ratings, ${ROW_BYTES} of embedding row`,
        `the row's Adam moments, ${MOMENT_BYTES} bytes, take memory once it has trained for the first time`,
        'resident: as it stands after the rounds; collected: after a garbage collection, on which bytes per device are based',
      ],
    };
  },
};
