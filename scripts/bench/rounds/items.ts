// How does a round grow with the number of items? One to a hundred thousand, in either delivery.

import { median } from '../../../src/base/median.js';
import { type ChildReport, runInChild } from '../child-run.js';
import { createFloor, floorOf, floorRates } from '../floors/floor.js';
import { alternate } from '../measure.js';
import type { Bench, Cell } from '../report.js';

const ITEMS = [1_000, 3_000, 10_000, 30_000, 100_000];
const DELIVERIES = ['subset', 'full'] as const;
type Delivery = (typeof DELIVERIES)[number];
const ROUNDS = 5;
const SHAPE = { cohort: 64, hidden: 512, rank: 8 };

const run = (items: number, delivery: Delivery): Promise<ChildReport> =>
  runInChild({
    flags: {
      data: `synthetic:users=2000,items=${items},ratings=100000,activity=0`,
      cohort: String(SHAPE.cohort),
      delivery,
      threads: '2',
      'evaluation.every': '100000',
    },
    rounds: ROUNDS + 1,
  });

const roundOf = ({ rounds }: ChildReport): number => median(rounds.slice(1).map(({ millis }) => millis));

export const bench: Bench = {
  question: 'how does a round grow with the number of items?',
  run: async ({ repetitions, note }) => {
    const floor = await createFloor(2);
    const rows: Cell[][] = [];
    for (const items of ITEMS) {
      note(`${items} items`);
      const reports = { subset: [] as ChildReport[], full: [] as ChildReport[] };
      // A quarter of the repetitions of smaller benchmarks, no fewer than one: each is a process with several rounds.
      for (let repetition = 0; repetition < Math.max(1, Math.floor(repetitions / 4)); repetition++) {
        for (const delivery of DELIVERIES) reports[delivery].push(await run(items, delivery));
      }
      const rates = floorRates(await alternate(floor.contenders, { repetitions: 3 }), 2);
      const { parameters } = reports.full[0]!;
      const least = floorOf(rates, { ...SHAPE, items, parameters });
      const [subset, full] = DELIVERIES.map((delivery) => median(reports[delivery].map(roundOf)));
      const resident = median(reports.subset.map(({ peakBytes }) => peakBytes)) / 1e9;
      rows.push([items, parameters / 1e6, subset!, subset! / least.step, full!, full! / least.total, resident]);
    }
    await floor.close();
    const columns = ['items', 'parameters, 10⁶', 'subset, ms', '× floor (step)', 'full, ms', '× floor', 'peak resident, GB (subset)'];
    return {
      tables: [{ title: 'cohort 64, all 40 training ratings of a device, f32, 2 threads', columns, rows }],
      notes: ['Both parts of the floor grow with the items; the number of ratings does not.'],
    };
  },
};
