// How many recommendations does `metafleet serve` answer to 64 clients? A run like that of `npm start`, and the server in a process of its own.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { namesOf } from '../../../src/inference/ids.js';
import { openStoredModel } from '../../../src/inference/stored-model.js';
import type { Bench, Cell } from '../report.js';
import type { ClientsResult, ClientsTask } from './serve-clients.js';

const MAIN = resolve('dist/src/cli/main.js');
const CLIENTS_PROGRAM = resolve(import.meta.dirname, 'serve-clients.js');
const CLIENTS = 64;
/** Seconds of what is not the main question. */
const SHORT = 15;
/** Ratings of a new user. */
const GIVEN = 20;

/** The run of `npm start`, by each of the two algorithms. It is trained once. */
const trained = async (algorithm: string, note: (text: string) => void): Promise<string> => {
  const folder = join('results', 'bench', `serve-${algorithm}`);
  if (existsSync(join(folder, 'summary.json'))) return folder;
  note(`training ${algorithm}`);
  const words = ['run', '--quiet', '--algorithm', algorithm, '--results', join('results', 'bench'), '--name', `serve-${algorithm}`];
  await promisify(execFile)(process.execPath, [MAIN, ...words, '--baselines', 'false'], { maxBuffer: 1 << 24 });
  return folder;
};

type Serving = { readonly url: string; readonly child: ChildProcess };

const startServing = async (folder: string, cache: number): Promise<Serving> => {
  const child = spawn(process.execPath, [MAIN, 'serve', '--run', folder, '--port', '0', '--cache', String(cache)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { url: line.toString().trim(), child };
};

/** Waits until the server has filled its cache. */
const warmed = async (url: string, users: number): Promise<void> => {
  const kept = async (): Promise<number> =>
    Number(/^metafleet_serve_cache_users (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);
  while ((await kept()) < users) await new Promise((resolve) => setTimeout(resolve, 200));
};

const stopServing = async ({ child }: Serving): Promise<void> => {
  child.kill('SIGTERM');
  await once(child, 'exit');
};

const load = async (task: Omit<ClientsTask, 'clients'>): Promise<ClientsResult> => {
  const text = JSON.stringify({ ...task, clients: CLIENTS });
  const { stdout } = await promisify(execFile)(process.execPath, [CLIENTS_PROGRAM, text], { maxBuffer: 1 << 28 });
  return JSON.parse(stdout) as ClientsResult;
};

const percentile = (sorted: readonly number[], share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;

const rowOf = (what: string, { millis, errors, seconds }: ClientsResult): readonly Cell[] => {
  const sorted = millis.toSorted((a, b) => a - b);
  return [
    what,
    millis.length / seconds,
    percentile(sorted, 0.5),
    percentile(sorted, 0.99),
    sorted.at(-1) ?? Number.NaN,
    millis.length,
    errors,
  ];
};

/** Paths of every user, and the body of a new one. */
const asked = async (folder: string) => {
  const model = await openStoredModel(folder);
  const { dataset, recommender } = model;
  const names = namesOf(dataset);
  await recommender.close();
  const ids = Array.from({ length: dataset.users }, (_, user) => encodeURIComponent(names.users.idOf(user)));
  const { items, values } = dataset.parts.train;
  const ratings = Array.from({ length: GIVEN }, (_, at) => ({ item: names.items.idOf(items[at]!), rating: values[at]! }));
  const item = encodeURIComponent(names.items.idOf(items[0]!));
  return {
    recommend: ids.map((id) => `/recommend/${id}?top=10`),
    predict: ids.map((id) => `/predict?user=${id}&item=${item}`),
    body: JSON.stringify({ ratings, top: 10 }),
  };
};

const measure = async (algorithm: string, seconds: number, note: (text: string) => void): Promise<readonly (readonly Cell[])[]> => {
  const folder = await trained(algorithm, note);
  const { recommend, predict, body } = await asked(folder);
  const rows: (readonly Cell[])[] = [];
  const run = async (what: string, task: Omit<ClientsTask, 'clients'>): Promise<void> => {
    note(`${algorithm}, ${what}, ${task.seconds} s`);
    rows.push(rowOf(`${algorithm}: ${what}`, await load(task)));
  };
  const kept = await startServing(folder, 256);
  try {
    const { url } = kept;
    await warmed(url, recommend.length);
    await run('GET /healthz, the floor', { url, seconds: SHORT, paths: ['/healthz'] });
    await run('GET /recommend/:user', { url, seconds, paths: recommend });
    await run('GET /predict', { url, seconds: SHORT, paths: predict });
    await run(`POST /recommend, ${GIVEN} ratings`, { url, seconds: SHORT, paths: ['/recommend'], body });
  } finally {
    await stopServing(kept);
  }
  const fresh = await startServing(folder, 0);
  try {
    await run('GET /recommend/:user, no cache', { url: fresh.url, seconds: SHORT, paths: recommend });
  } finally {
    await stopServing(fresh);
  }
  return rows;
};

export const bench: Bench = {
  question: 'how many recommendations does serve answer to 64 clients?',
  run: async ({ minutes, note }) => {
    const rows = [...(await measure('metamf', 60 * minutes, note)), ...(await measure('fedavg', 60 * minutes, note))];
    const columns = ['what', 'requests/s', 'p50, ms', 'p99, ms', 'slowest, ms', 'answers', 'errors'];
    return {
      tables: [{ title: `serve on the run of npm start, ${CLIENTS} clients on the same two cores`, columns, rows }],
      targets: [
        { claim: 'answers that were errors', measured: rows.reduce((sum, row) => sum + Number(row[6]), 0), bound: 'at most', wanted: 0 },
      ],
    };
  },
};
