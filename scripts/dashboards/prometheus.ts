import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { stringify } from 'yaml';
import { RULE_FILES } from '../../dashboards/rules.js';

/** A real Prometheus on a free port of this machine, its data and configuration in a folder of its own. */
export type Prometheus = {
  /** Series of a range query, each with its values; throws with Prometheus' message when it cannot be evaluated. */
  range(expr: string, seconds: number): Promise<readonly Series[]>;
  /** Names of the alerts that fire. */
  firing(): Promise<readonly string[]>;
  close(): Promise<void>;
};

export type Series = { readonly labels: Readonly<Record<string, string>>; readonly values: readonly number[] };

export type Target = { readonly url: string; readonly token: string };

const SCRAPE_MILLIS = 500;
/** The window for rates: four scrapes, as Grafana's $__rate_interval. */
export const RATE_INTERVAL = '2s';
const START_MILLIS = 300_000;

export const prometheusIsInstalled = (): boolean =>
  ['prometheus', 'promtool'].every((command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0);

/** What promtool has to say; undefined when it is content. */
export const promtool = (args: readonly string[], input = ''): string | undefined => {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return status === 0 ? undefined : `promtool ${args.join(' ')}:\n${stdout}${stderr}`;
};

export const startPrometheus = async (folder: string, targets: readonly Target[]): Promise<Prometheus> => {
  for (const [index, { token }] of targets.entries()) writeFileSync(path.join(folder, `token-${index}`), token, { mode: 0o600 });
  const config = path.join(folder, 'prometheus.yaml');
  writeFileSync(
    config,
    stringify({
      global: { scrape_interval: `${SCRAPE_MILLIS}ms`, evaluation_interval: `${SCRAPE_MILLIS}ms` },
      rule_files: RULE_FILES.map((file) => path.resolve(file)),
      scrape_configs: targets.map(({ url }, index) => ({
        job_name: `metafleet-${index}`,
        authorization: { credentials_file: path.join(folder, `token-${index}`) },
        static_configs: [{ targets: [new URL(url).host] }],
      })),
    }),
  );
  const address = `127.0.0.1:${await freePort()}`;
  const data = path.join(folder, 'data');
  const child = spawn(
    'prometheus',
    [`--config.file=${config}`, `--storage.tsdb.path=${data}`, `--web.listen-address=${address}`, '--log.level=warn'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const close = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  try {
    await ready(`http://${address}/-/ready`, child);
  } catch (error) {
    await close();
    throw new Error(`Prometheus did not start: ${said.trim()}`, { cause: error });
  }
  const ask = (question: string, parameters: Readonly<Record<string, string>>) => api(`http://${address}/api/v1/${question}`, parameters);
  return {
    range: async (query, seconds) => {
      const end = Date.now() / 1000;
      const found = await ask('query_range', { query, start: String(end - seconds), end: String(end), step: '0.5' });
      const { result } = found as { result: { metric: Record<string, string>; values: [number, string][] }[] };
      return result.map(({ metric, values }) => ({ labels: metric, values: values.map(([, value]) => Number(value)) }));
    },
    firing: async () => {
      const { alerts } = (await ask('alerts', {})) as { alerts: { state: string; labels: { alertname: string } }[] };
      return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname);
    },
    close,
  };
};

const api = async (url: string, parameters: Readonly<Record<string, string>>): Promise<unknown> => {
  const response = await fetch(`${url}?${new URLSearchParams(parameters)}`);
  const answer = (await response.json()) as { status: string; data: unknown; error?: string };
  if (answer.status !== 'success') throw new Error(answer.error);
  return answer.data;
};

const ready = async (url: string, child: ChildProcess): Promise<void> => {
  const until = Date.now() + START_MILLIS;
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`it ended with exit code ${child.exitCode}`);
    if (
      await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
    await wait(50);
  }
  throw new Error(`it was not ready within ${START_MILLIS} ms`);
};

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
