// How does `data import` compare with the tools that people read their ratings with? In turn, on one file, each in a process of its own.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { median } from '../../../src/base/median.js';
import { runInChild } from '../child-run.js';
import { alternate, medianRatio } from '../measure.js';
import type { Bench, Cell, Target } from '../report.js';
import { writeRatings } from './generate.js';

/** RATINGS of the environment makes a smaller file, with as many users and items a rating. */
const RATINGS = Number(process.env['RATINGS'] ?? 100_000_000);
const SHAPE = { ratings: RATINGS, users: Math.round(0.19 * RATINGS), items: Math.round(0.01 * RATINGS), text: false };
const PEERS = ['polars', 'pandas'] as const;
const PYTHON = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'metafleet', 'peers', 'columns', 'bin', 'python');
const PROGRAM = join('scripts', 'bench', 'data', 'columns.py');
const CHILD = fileURLToPath(new URL('./import-child.js', import.meta.url));

type Figures = { readonly seconds: number; readonly cpu_seconds: number; readonly peak_bytes: number };

const run = async (command: string, args: readonly string[]): Promise<Figures> => {
  const { stdout } = await promisify(execFile)(command, [...args], { maxBuffer: 1 << 24 });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Figures;
};

/** Rounds of 1,000 devices on what was imported. */
const startFrom = (columns: string) =>
  runInChild({
    flags: {
      ...{ data: columns, algorithm: 'fedavg', cohort: '1000', delivery: 'subset', threads: '2' },
      ...{ epochs: '100000', 'evaluation.every': '100000' },
    },
    rounds: 3,
  });

export const bench: Bench = {
  question: 'how long does an import take, and how much memory, against polars and pandas?',
  run: async ({ repetitions, note }) => {
    const folder = mkdtempSync(join(tmpdir(), 'metafleet-bench-data-'));
    try {
      const [file, columns] = [join(folder, 'ratings.csv'), join(folder, 'columns')];
      note(`writing ${RATINGS} ratings`);
      writeRatings(file, SHAPE);
      const found = new Map<string, Figures[]>();
      const turn = (name: string, command: string, args: readonly string[]) => async (): Promise<void> => {
        note(name);
        found.set(name, [...(found.get(name) ?? []), await run(command, args)]);
      };
      const peers = existsSync(PYTHON) ? PEERS : [];
      const turns = Object.fromEntries([
        ['metafleet', turn('metafleet', process.execPath, [CHILD, file, columns])],
        ...peers.map((peer) => [peer, turn(peer, PYTHON, [PROGRAM, '--peer', peer, '--data', file])] as const),
      ]);
      await alternate(turns, { repetitions, warmups: 0 });
      note('starting a run from the columns');
      const { firstRoundMillis, peakBytes, collectedBytes } = await startFrom(columns);
      const of = (name: string, figure: keyof Figures): number[] => found.get(name)!.map((each) => each[figure]);
      const row = (name: string): Cell[] => [
        name,
        median(of(name, 'seconds')),
        median(of(name, 'cpu_seconds')),
        median(of(name, 'peak_bytes')) / 1e9,
        ...(['seconds', 'cpu_seconds', 'peak_bytes'] as const).map((figure) => medianRatio(of(name, figure), of('metafleet', figure))),
      ];
      const target = (claim: string, measured: number, wanted: number): Target => ({ claim, measured, bound: 'at most', wanted });
      const against = (figure: keyof Figures): number => medianRatio(of('metafleet', figure), of('polars', figure));
      return {
        tables: [
          {
            title: `${RATINGS} ratings, ${SHAPE.users} users, ${SHAPE.items} items, ${(statSync(file).size / 1e9).toFixed(2)} GB of CSV`,
            columns: ['tool', 's', 'CPU s', 'peak, GB', '× time', '× CPU', '× memory'],
            rows: [...found.keys()].map(row),
          },
          {
            title: 'a run from the columns: cohort 1,000, FedAvg, 2 threads',
            columns: ['start to first round, s', 'peak, GB', 'after a collection, GB'],
            rows: [[firstRoundMillis / 1000, peakBytes / 1e9, collectedBytes / 1e9]],
          },
        ],
        targets: [
          target('peak GB of an import', median(of('metafleet', 'peak_bytes')) / 1e9, 2),
          target('bytes a rating of a run, at its peak', peakBytes / RATINGS, 16),
          ...(peers.length === 0
            ? []
            : [target("time against polars'", against('seconds'), 1), target("memory against polars'", against('peak_bytes'), 0.25)]),
        ],
        notes: [
          'polars and pandas: read, number users and items, sort by user, all in memory. metafleet also writes and checksums the columns',
          ...(peers.length > 0 ? [] : ['polars and pandas are left out: scripts/bench/peers/setup.sh columns makes their environment']),
        ],
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
